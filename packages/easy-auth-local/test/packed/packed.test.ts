import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { hasChromium, launchChromium } from "../../../../test/browser/chromium.ts";
import { exitCode, run as start, urlOf } from "../../../../test/support/command.ts";
import { API, AUTHORITY_ORIGIN, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import { freePort } from "../../src/http/loopback-server.ts";
import { NODES } from "../nodes.ts";
import { FILES } from "./apps.ts";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const TSC = fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));
const LIBRARIES = ["functions", "msal-browser", "msal-node"].map((name) => `@azure/${name}`);
const WITHIN_MS = 300_000;

let folder: string;
const run = (command: string, args: readonly string[], cwd = folder, env: NodeJS.ProcessEnv = process.env) =>
  promisify(execFile)(command, args, { cwd, env });

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

/** Returns the configuration that the README describes for Microsoft's tutorial. */
function tutorialOfReadme(): string {
  const [, section = ""] = readFileSync(join(PACKAGE, "README.md"), "utf8").split("## Microsoft's tutorial");
  return /```json\n(.*?)```/s.exec(section)?.[1] ?? "";
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "packed-"));
  for (const [name, text] of Object.entries(FILES)) write(name, text);
  write("tutorial/easy-auth-local.json", tutorialOfReadme());
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], PACKAGE);
  const tarball = `./${stdout.trim().split("\n").at(-1)}`;
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...quiet, tarball, ...LIBRARIES, "@microsoft/microsoft-graph-client", "express"]);
  await run(process.execPath, [TSC, "-p", "typescript"]);
}, WITHIN_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Builds the page with the addresses of its API and Entra, and writes the configuration for it. */
async function buildPage(): Promise<string> {
  const [page, api, entra, graph, functions] = await Promise.all([1, 2, 3, 4, 5].map(freePort));
  const ports = { frontend: page, api, entra, graph, functions };
  const pageUrl = `http://localhost:${page}`;
  const settings = {
    VITE_ENTRA_URL: `http://localhost:${entra}`,
    VITE_API_URL: `http://localhost:${api}`,
    VITE_AUTHORITY: `${AUTHORITY_ORIGIN}/${TENANT_ID}`,
    VITE_CLIENT_ID: FRONTEND.clientId,
    VITE_SCOPE: `${API.identifierUris[0]}/user_impersonation`,
  };
  const lines = Object.entries(settings).map((pair) => pair.join("="));
  write("page/.env", lines.join("\n"));
  await build({ root: join(folder, "page"), logLevel: "error", configFile: false, build: { target: "es2022" } });
  write(
    "page.json",
    JSON.stringify({
      api: { app: "./javascript", cors: { allowedOrigins: [pageUrl] } },
      frontend: { app: "./page/dist", excludedPaths: ["/*"] },
      registrations: { frontend: { redirectUris: { spa: ["http://localhost/"] } } },
      ports,
    }),
  );
  return pageUrl;
}

describe("packed and installed elsewhere", () => {
  for (const [name, node = ""] of NODES) {
    const path = [dirname(node), process.env.PATH].join(delimiter);

    test.skipIf(node === "")(
      `it serves template apps, a static page, and the tutorial's pair by the README's configuration, on ${name}`,
      async () => {
        // No proxy listens there: requests for this machine, and routed ones, must not use it.
        const proxy = { HTTP_PROXY: "http://localhost:9", HTTPS_PROXY: "http://localhost:9", NODE_USE_ENV_PROXY: "1" };
        const { stdout } = await run(node, ["try.mjs"], folder, { ...process.env, PATH: path, ...proxy });
        expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toEqual({
          debug: { scope: "user_impersonation", enabled: "True" },
          pair: "Adele Vance",
          withoutToken: 401,
          javascript: "Hello, adele.vance@contoso.example!",
          typescript: "Hello, adele.vance@contoso.example!",
        });
      },
      WITHIN_MS,
    );

    test.skipIf(node === "" || !hasChromium())(
      `its command serves a page in which msal-browser signs in and calls the API, on ${name}`,
      async () => {
        const pageUrl = await buildPage();
        const command = join(folder, "node_modules/.bin/easy-auth-local");
        const running = start(command, ["--config", join(folder, "page.json")], { PATH: path }, folder);
        await running.line(/^Ready/);
        const browser = await launchChromium();
        onTestFinished(() => browser.close());
        const page = await browser.newPage();
        await page.goto(pageUrl);
        await page.click("text=Sign in");
        await page.click('button[name="account"][value="works"]');
        const said = page.locator("p", { hasText: "Hello" });
        expect(await said.textContent()).toBe("200 Hello, adele.vance@contoso.example!");
        running.child.kill("SIGINT");
        expect(await exitCode(running)).toBe(0);
      },
      WITHIN_MS,
    );
  }
});

describe("its command", () => {
  test("prints its options", async () => {
    const { stdout } = await run(join(folder, "node_modules/.bin/easy-auth-local"), ["--help"]);
    expect(stdout).toContain("--api <url|port|folder>");
  });

  test("ends when npx is killed without warning", async () => {
    const running = start("npx", ["easy-auth-local", "--frontend", "./page", "--free-ports"], {}, folder);
    await running.line(/^Ready/);
    const entra = await urlOf(running, /^Entra ID emulator/);
    running.child.kill("SIGKILL");
    await vi.waitFor(() => expect(fetch(entra)).rejects.toThrow(), 10_000);
  });

  test("says in one sentence that a Node is too old", async () => {
    write("old-node.cjs", 'Object.defineProperty(process, "versions", { value: { node: "18.20.8" } });');
    const command = join(folder, "node_modules/easy-auth-local/bin/easy-auth-local.mjs");
    await expect(run(process.execPath, ["--require", "./old-node.cjs", command])).rejects.toMatchObject({
      code: 1,
      stderr: "easy-auth-local needs Node 20.19 or newer, and this is 18.20.8: install one from https://nodejs.org.\n",
    });
  });
});
