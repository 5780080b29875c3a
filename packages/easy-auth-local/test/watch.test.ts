import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Browser } from "../src/test-kit/browser.ts";

const NODE_MODULES = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const COMMAND = fileURLToPath(new URL("../bin/easy-auth-local.mjs", import.meta.url));
const WITHIN_MS = 50_000;
/** A function app and a page, bundled and copied by a command. */
const FILES: Readonly<Record<string, string>> = {
  "host.json": '{ "version": "2.0" }',
  "package.json": JSON.stringify({ main: "dist/api/main.cjs" }),
  "easy-auth-local.json": JSON.stringify({
    build: { command: "node build.cjs", sources: ["src", "page"] },
    api: { app: "." },
    frontend: { app: "dist/page" },
  }),
  "page/index.html": "<!doctype html><title>Page</title>",
  "build.cjs": `const { copyFileSync, mkdirSync, readdirSync, renameSync } = require("node:fs");
    const contents = readdirSync("src/functions").map((name) => 'import "./src/functions/' + name + '";').join("\\n");
    const stdin = { contents, resolveDir: __dirname };
    const options = { stdin, bundle: true, platform: "node", external: ["@azure/functions"], outfile: "dist/api/main.cjs" };
    require("esbuild").build(options).catch(() => process.exit(1));
    mkdirSync("dist/page", { recursive: true });
    copyFileSync("page/index.html", "dist/draft");
    renameSync("dist/draft", "dist/page/index.html");`,
};

const folder = mkdtempSync(join(tmpdir(), "watched-"));
let output = "";
let url = "";
let stop: () => void;

beforeAll(async () => {
  for (const [name, text] of Object.entries(FILES)) write(name, text);
  symlinkSync(NODE_MODULES, join(folder, "node_modules"));
  writeFunction("hello", `() => ({ body: "one" })`);
  const child = spawn(process.execPath, [COMMAND, "--free-ports", "--watch"], { cwd: folder });
  stop = () => child.kill("SIGKILL");
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  await expectOutput(/^Ready/m);
  url = /hello: .*(http:\S+)\/api\/hello/.exec(output)?.[1] ?? "";
});
afterAll(() => {
  stop();
  rmSync(folder, { recursive: true });
});

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function writeFunction(name: string, handler: string): void {
  const source = `import { app } from "@azure/functions";\napp.http("${name}", { handler: ${handler} });\n`;
  write(`src/functions/${name}.ts`, source);
}

function expectOutput(pattern: RegExp): Promise<void> {
  return vi.waitFor(() => expect(output).toMatch(pattern), { timeout: WITHIN_MS });
}

function expectAnswer(path: string, answer: string): Promise<void> {
  const ask = async () => expect(await (await fetch(`${url}/api/${path}`)).text()).toBe(answer);
  return vi.waitFor(ask, { timeout: WITHIN_MS });
}

describe("easy-auth-local --watch", () => {
  test("serves the new version of a function a moment after its file was written", async () => {
    await expectAnswer("hello", "one");
    writeFunction("hello", `() => ({ body: "two" })`);
    await expectAnswer("hello", "two");
  });

  test("serves a function in a new file, and lists it", async () => {
    writeFunction("added", `() => ({ body: "added" })`);
    await expectAnswer("added", "added");
    await expectOutput(/loaded anew. Functions:\n\n\tadded: \[GET,POST\]/);
  });

  test("sees a file in a new folder", async () => {
    const source = (word: string) => `export const word = ${JSON.stringify(word)};\n`;
    write("src/words/word.ts", source("three"));
    const imports = `import { word } from "../words/word.ts";\nimport { app } from "@azure/functions";\n`;
    write("src/functions/hello.ts", `${imports}app.http("hello", { handler: () => ({ body: word }) });\n`);
    await expectAnswer("hello", "three");
    write("src/words/word.ts", source("four"));
    await expectAnswer("hello", "four");
  });

  test("keeps the old app and says so while the new one does not build", async () => {
    writeFunction("hello", "() => ({");
    await expectOutput(/ERROR[\s\S]*hello\.ts[\s\S]*It does not build: what was built before goes on\./);
    await expectAnswer("hello", "four");
    writeFunction("hello", `() => ({ body: "five" })`);
    await expectOutput(/It builds again\./);
    await expectAnswer("hello", "five");
  });

  test("keeps the old app and says why when the new one does not load", async () => {
    writeFunction("hello", `() => ({}) }); app.http("hello", { handler: () => ({})`);
    await expectOutput(/does not load, so the app from before goes on\. .*A function with id "hello" has already been/);
    await expectAnswer("hello", "five");
  });

  test("serves the new version of the frontend's page", async () => {
    const browser = new Browser(/^Ready: open (\S+)/m.exec(output)?.[1]);
    const { response } = await browser.signIn("/", "works");
    expect(await response.text()).not.toContain("as it is now");
    appendFileSync(join(folder, "page/index.html"), "<!-- as it is now -->");
    await expectOutput(/The frontend is new: load its page again/);
    await vi.waitFor(async () => expect(await (await browser.fetch("/")).text()).toContain("as it is now"), {
      timeout: WITHIN_MS,
    });
  });
});
