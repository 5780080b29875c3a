import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { describe, expect, test, vi } from "vitest";
import { startFunctionsHost } from "../../src/functions-host/host.ts";
import { LIBRARY, serve, serveSource, writeApp, writeFolder } from "./fixture-app.ts";

const COMMON_JS = `const { app } = require(${JSON.stringify(LIBRARY)});\n`;
const ES_MODULE = `import functions from ${JSON.stringify(pathToFileURL(LIBRARY).href)};\nconst { app } = functions;\n`;
const HOST_JSON = { version: "2.0" };

function answering(text: string): string {
  return `app.http("f", { handler: () => ({ body: ${JSON.stringify(text)} }) });`;
}

/** Bundles as the project's own build does: one file with its own copy of the library. */
async function bundle(source: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `import { app } from "@azure/functions";\n${source}`, resolveDir: import.meta.dirname },
    bundle: true,
    platform: "node",
    format: "cjs",
    external: ["@azure/functions-core"],
    mainFields: ["module", "main"],
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

function start(files: Record<string, string | object>) {
  return startFunctionsHost({ appRoot: writeFolder({ "host.json": HOST_JSON, ...files }) });
}

function startSource(source: string) {
  return startFunctionsHost({ appRoot: writeApp(source) });
}

describe("the host loads an app", () => {
  test.each([
    ["CommonJS by extension, in a module package", "main.cjs", "module", COMMON_JS],
    ["CommonJS by package type", "main.js", "commonjs", COMMON_JS],
    ["CommonJS by default", "main.js", undefined, COMMON_JS],
    ["an ES module by extension", "main.mjs", "commonjs", ES_MODULE],
    ["an ES module by package type", "main.js", "module", ES_MODULE],
  ])("that is %s", async (_, main, type, imports) => {
    const files = { [main]: imports + answering("hello"), "package.json": { main, type }, "host.json": HOST_JSON };
    const { send } = await serve(writeFolder(files));
    expect((await send("GET", "/api/f")).body).toBe("hello");
  });

  test("that is one bundle with its own copy of the library", async () => {
    const files = { "main.cjs": await bundle(answering("hello")), "package.json": { main: "main.cjs" } };
    const { send } = await serve(writeFolder({ ...files, "host.json": HOST_JSON }));
    expect((await send("GET", "/api/f")).body).toBe("hello");
  });

  test("while another one loads, each with its own functions", async () => {
    const slowly = (text: string) => `${ES_MODULE} await new Promise((go) => setTimeout(go, 10)); ${answering(text)}`;
    const [one, two] = await Promise.all(
      ["one", "two"].map((text) =>
        serve(writeFolder({ "main.mjs": slowly(text), "package.json": { main: "main.mjs" }, "host.json": HOST_JSON })),
      ),
    );
    expect((await one?.send("GET", "/api/f"))?.body).toBe("one");
    expect((await two?.send("GET", "/api/f"))?.body).toBe("two");
  });

  test("by a second copy of the host in the same process, while the library stays loaded", async () => {
    const main = (text: string) => `${ES_MODULE}${answering(text)}`;
    const files = { "package.json": { main: "main.mjs" }, "host.json": HOST_JSON };
    const first = await serve(writeFolder({ ...files, "main.mjs": main("first") }));
    vi.resetModules();
    const copy = await import("./fixture-app.ts");
    const second = await copy.serve(writeFolder({ ...files, "main.mjs": main("second") }));
    expect((await first.send("GET", "/api/f")).body).toBe("first");
    expect((await second.send("GET", "/api/f")).body).toBe("second");
  });

  test("while another one is served, each with its own functions", async () => {
    const [one, two] = await Promise.all([serveSource(answering("one")), serveSource(answering("two"))]);
    expect((await one.send("GET", "/api/f")).body).toBe("one");
    expect((await two.send("GET", "/api/f")).body).toBe("two");
  });
});

describe("an app as the v4 template has it, main dist/src/{index.js,functions/*.js}, is loaded", () => {
  const MAIN = "dist/src/{index.js,functions/*.js}";
  const COMPILED = `"use strict";\nObject.defineProperty(exports, "__esModule", { value: true });\n`;

  test.each([
    ["CommonJS, as tsc writes it", undefined, COMPILED + COMMON_JS],
    ["ES modules", "module", ES_MODULE],
  ])("from %s, and nothing else of dist", async (_, type, imports) => {
    const { send, functions } = await serve(
      writeFolder({
        "package.json": { main: MAIN, type },
        "host.json": HOST_JSON,
        "dist/src/index.js": imports,
        "dist/src/functions/one.js": `${imports} app.get("one", () => ({ body: "1" }));`,
        "dist/src/functions/two.js": `${imports} app.get("two", () => ({ body: "2" }));`,
        "dist/src/functions/two.js.map": "{}",
        "dist/src/helper.js": "throw new Error('not an entry point');",
      }),
    );
    expect(functions.map(({ name }) => name)).toEqual(["one", "two"]);
    expect((await send("GET", "/api/two")).body).toBe("2");
  });

  test("twice although its setup turns HTTP streaming on, since the library starts anew with it", async () => {
    const appRoot = writeFolder({
      "package.json": { main: MAIN },
      "host.json": HOST_JSON,
      "dist/src/index.js": `${COMMON_JS} app.setup({ enableHttpStream: true });`,
      "dist/src/functions/one.js": `${COMMON_JS} app.get("one", () => ({ body: "1" }));`,
    });
    for (const _ of [1, 2]) {
      const { send, close } = await serve(appRoot);
      expect((await send("GET", "/api/one")).headers["x-ms-invocation-id"]).toBeDefined();
      await close();
    }
  });

  // Runs in a process of its own: where Vitest runs the tests, hooks of Node's loader are not called.
  test("twice as ES modules too, with the files that they import", async () => {
    const appRoot = writeFolder({
      "package.json": { main: MAIN, type: "module" },
      "host.json": HOST_JSON,
      "dist/src/index.js": `${ES_MODULE} app.setup({ enableHttpStream: true });`,
      "dist/src/functions/one.js": `import { text } from "../text.js"; ${ES_MODULE} app.get("one", () => ({ body: text }));`,
      "dist/src/text.js": "export const text = '1';",
    });
    const script = `
      import { writeFileSync } from "node:fs";
      import { startFunctionsHost } from ${JSON.stringify(new URL("../../dist/parts.js", import.meta.url).href)};
      const appRoot = ${JSON.stringify(appRoot)};
      const host = await startFunctionsHost({ appRoot });
      const ask = async () => (await fetch(host.url + "/api/one")).text();
      const first = await ask();
      writeFileSync(appRoot + "/dist/src/text.js", "export const text = '2';");
      await host.reload();
      console.log(first, await ask());
      await host.close();`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
    expect(stdout).toBe("1 2\n");
  });
});

describe("an app is loaded afresh", () => {
  test("with every one of its files when it is CommonJS", async () => {
    const appRoot = writeApp(`require("./part.cjs")(app);`);
    for (const text of ["one", "two"]) {
      writeFileSync(join(appRoot, "part.cjs"), `module.exports = (app) => { ${answering(text)} };`);
      const { send, close } = await serve(appRoot);
      expect((await send("GET", "/api/f")).body).toBe(text);
      await close();
    }
  });

  test("when it is one bundle: its settings are read again and its setup is allowed again", async () => {
    const source = "app.setup({ capabilities: {} }); const word = process.env.FIXTURE_WORD;";
    const main = await bundle(`${source} app.http("f", { handler: () => ({ body: word }) });`);
    const appRoot = writeFolder({ "main.cjs": main, "package.json": { main: "main.cjs" }, "host.json": HOST_JSON });
    for (const word of ["one", "two"]) {
      const { send, close } = await serve(appRoot, { settings: { FIXTURE_WORD: word } });
      expect((await send("GET", "/api/f")).body).toBe(word);
      await close();
    }
  });

  test("when it is an ES module of one file", async () => {
    const appRoot = writeFolder({ "package.json": { main: "main.mjs" }, "host.json": HOST_JSON });
    for (const text of ["one", "two"]) {
      writeFileSync(join(appRoot, "main.mjs"), ES_MODULE + answering(text));
      const { send, close } = await serve(appRoot);
      expect((await send("GET", "/api/f")).body).toBe(text);
      await close();
    }
  });
});

describe("a start is refused", () => {
  test("when the entry point throws, with its name, the original message and the cause", async () => {
    const error = await startSource(`throw new TypeError("TENANT_ID is missing");`).catch((reason) => reason);
    expect(error.message).toMatch(/^Could not load the entry point "main.cjs" of .*: TENANT_ID is missing$/);
    expect(error.cause).toMatchObject({ name: "TypeError", message: "TENANT_ID is missing" });
  });

  test.each([
    [
      "an ES module that throws",
      { "main.mjs": `throw new Error("no tenant")`, "package.json": { main: "main.mjs" } },
      'entry point "main.mjs" of .*: no tenant',
    ],
    ["a syntax error", { "main.cjs": "const const", "package.json": { main: "main.cjs" } }, 'entry point "main.cjs"'],
    [
      "an app that is not built",
      { "package.json": { main: "dist/main.cjs" } },
      'entry point "dist/main.cjs" of .*: The file does not exist. Was the app built?',
    ],
    [
      "a pattern that no file matches",
      { "package.json": { main: "dist/*.js" } },
      'entry point "dist/\\*.js" of .*: No file matches it. Was the app built?',
    ],
    [
      "one file of several that throws",
      { "a.cjs": COMMON_JS + answering("x"), "b.cjs": "throw new Error('b')", "package.json": { main: "*.cjs" } },
      'entry point "b.cjs" of .*: b',
    ],
    ["no main", { "package.json": {} }, 'package.json has no "main"'],
    ["no package.json", {}, "has no package.json"],
    ["a broken host.json", { "host.json": "{", "package.json": {} }, "Could not read .*host.json"],
    [
      "no function",
      { "main.cjs": "", "package.json": { main: "main.cjs" } },
      'entry point "main.cjs" of .* registered no function',
    ],
  ])("with %s", async (_, files, message) => {
    await expect(start(files)).rejects.toThrow(new RegExp(message));
  });

  test("with no host.json", async () => {
    const appRoot = writeFolder({ "package.json": { main: "main.cjs" } });
    await expect(startFunctionsHost({ appRoot })).rejects.toThrow(/Could not read .*host.json/);
  });

  test("when two functions have one name", async () => {
    await expect(startSource(answering("a") + answering("b"))).rejects.toThrow(
      'A function with id "f" has already been registered.',
    );
  });

  test("when a route has a constraint that this host does not know", async () => {
    await expect(startSource(`app.http("f", { route: "{id:datetime}", handler() {} });`)).rejects.toThrow('"datetime"');
  });

  test("without an effect on the next start", async () => {
    await expect(startSource(`app.http("left", { handler() {} }); throw new Error("x");`)).rejects.toThrow();
    const { functions } = await serveSource(answering("x"));
    expect(functions.map(({ name }) => name)).toEqual(["f"]);
  });
});

describe("a function that is not started by HTTP", () => {
  test("is not served, with a warning", async () => {
    const source = `app.timer("nightly", { schedule: "0 0 0 * * *", handler() {} });`;
    const { functions, logs, send } = await serveSource(source + answering("x"));
    expect(functions.map(({ name }) => name)).toEqual(["f"]);
    expect((await send("GET", "/api/nightly")).status).toBe(404);
    expect(logs[0]).toMatchObject({
      level: "warning",
      category: "System",
      message: 'Function "nightly" does not run here: it has a timerTrigger, not an HTTP trigger.',
    });
  });
});

describe('the module "@azure/functions-core"', () => {
  /** Evaluates an expression over `core` inside an app that is loading. */
  async function evaluate(expression: string) {
    const source = `const core = require("@azure/functions-core"); let value = (() => ${expression})();`;
    const { send } = await serveSource(`${answering("x")} ${source} app.get("v", () => ({ jsonBody: { value } }));`);
    return JSON.parse((await send("GET", "/api/v")).body).value;
  }

  test("gives its version, the host's and the programming model", async () => {
    expect(await evaluate("[core.version, core.hostVersion, core.getProgrammingModel().name]")).toEqual([
      expect.stringMatching(/^3\./),
      expect.stringMatching(/^4\./),
      "@azure/functions",
    ]);
  });

  test("throws a RangeError for a hook that does not exist", async () => {
    const attempt = `try { core.registerHook("appstart", () => {}) } catch (error) { return [error.name, error.message] }`;
    expect(await evaluate(`{ ${attempt} }`)).toEqual(["RangeError", 'Unrecognized hook "appstart"']);
  });

  test("makes disposables that call their callback once", async () => {
    const count = "let calls = 0; const one = () => new core.Disposable(() => calls++);";
    expect(
      await evaluate(
        `{ ${count} const all = core.Disposable.from(one(), one()); all.dispose(); all.dispose(); return calls }`,
      ),
    ).toBe(2);
  });

  test("allows a function to be withdrawn while the app loads", async () => {
    const metadata = `{ name: "gone", bindings: { r: { type: "httpTrigger", direction: "in" } } }`;
    const { functions } = await serveSource(
      `${answering("x")} require("@azure/functions-core").registerFunction(${metadata}, () => {}).dispose();`,
    );
    expect(functions.map(({ name }) => name)).toEqual(["f"]);
  });

  test("registers no function once the app is loaded", async () => {
    const { send, logs } = await serveSource(`app.get("late", () => { app.get("new", () => ({})); });`);
    expect((await send("GET", "/api/late")).status).toBe(500);
    expect(logs.at(-1)?.message).toContain("A function can only be registered during app startup.");
  });
});
