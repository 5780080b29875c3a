import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NODES } from "../nodes.ts";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const TSC = fileURLToPath(new URL("../../../../node_modules/typescript/bin/tsc", import.meta.url));
const WITHIN_MS = 300_000;

/** Function as Core Tools' template of the v4 model has it: `func new --template "HTTP trigger"`. */
const TRIGGER = `app.http("httpTrigger1", {
  methods: ["GET", "POST"], authLevel: "anonymous",
  handler: async (request) => ({ body: \`Hello, \${request.headers.get("x-ms-client-principal-name")}!\` }),
});`;
/** Apps of a stranger, as they lie in their folder. */
const FILES: Readonly<Record<string, string>> = {
  "package.json": JSON.stringify({ name: "stranger", private: true }),
  "javascript/host.json": '{ "version": "2.0" }',
  "javascript/package.json": JSON.stringify({ name: "javascript", main: "src/{index.js,functions/*.js}" }),
  "javascript/src/index.js": 'const { app } = require("@azure/functions"); app.setup({ enableHttpStream: true });',
  "javascript/src/functions/httpTrigger1.js": `const { app } = require("@azure/functions");\n${TRIGGER}`,
  "typescript/host.json": '{ "version": "2.0" }',
  "typescript/package.json": JSON.stringify({ name: "typescript", main: "dist/src/{index.js,functions/*.js}" }),
  "typescript/tsconfig.json": JSON.stringify({
    compilerOptions: {
      module: "nodenext",
      target: "es2022",
      outDir: "dist",
      rootDir: ".",
      skipLibCheck: true,
      types: [],
    },
  }),
  "typescript/src/functions/httpTrigger1.ts": `import { app } from "@azure/functions";\n${TRIGGER}`,
  "backend/package.json": JSON.stringify({ name: "backend", scripts: { start: "node server.js" } }),
  "backend/server.js": `const express = require("express");
    const { ConfidentialClientApplication } = require("@azure/msal-node");
    const { WEBSITE_AUTH_CLIENT_ID: clientId, WEBSITE_AUTH_OPENID_ISSUER: issuer } = process.env;
    const clientSecret = process.env.MICROSOFT_PROVIDER_AUTHENTICATION_SECRET;
    const client = new ConfidentialClientApplication({ auth: { clientId, clientSecret, authority: issuer.replace("/v2.0", "") } });
    express().get("/get-profile", async (request, response) => {
      const scopes = ["https://graph.microsoft.com/.default"];
      const oboAssertion = request.headers.authorization.slice(7);
      const { accessToken } = await client.acquireTokenOnBehalfOf({ oboAssertion, scopes });
      const headers = { authorization: "Bearer " + accessToken };
      response.json(await (await fetch("https://graph.microsoft.com/v1.0/me", { headers })).json());
    }).listen(process.env.PORT);`,
  "frontend/package.json": JSON.stringify({ name: "frontend", scripts: { start: "node server.js" } }),
  "frontend/server.js": `const app = require("express")();
    app.get("/", (request, response) => response.send("Frontend"));
    app.get("/get-profile", async (request, response) => {
      const headers = { authorization: "Bearer " + request.headers["x-ms-token-aad-access-token"] };
      const answer = await fetch(process.env.BACKEND_URL + "/get-profile", { headers });
      response.status(answer.status).send(await answer.text());
    });
    app.listen(process.env.PORT);`,
  "page/index.html": "<!doctype html><title>Page</title>",
  "tutorial.json": JSON.stringify({
    api: { app: "./backend" },
    frontend: { app: "./frontend", settings: { BACKEND_URL: "{apiUrl}" } },
  }),
  "try.mjs": `import { readConfiguration, startStack } from "easy-auth-local/test-kit";
    const answers = {};
    const pair = await startStack(await readConfiguration("tutorial.json"));
    const profile = await (await pair.signIn("works")).fetch("/get-profile");
    answers.pair = [profile.status, (await profile.json()).displayName];
    await pair.close();
    for (const name of ["javascript", "typescript"]) {
      const stack = await startStack({ api: { app: "./" + name }, frontend: { app: "./page" } });
      const headers = { authorization: "Bearer " + (await stack.token("works")) };
      answers[name] = await (await fetch(stack.apiUrl + "/api/httpTrigger1", { headers })).text();
      answers.page = await (await (await stack.signIn("works")).fetch("/")).text();
      await stack.close();
    }
    console.log(JSON.stringify(answers));`,
};

let folder: string;
const run = (command: string, args: readonly string[], cwd = folder, env: NodeJS.ProcessEnv = process.env) =>
  promisify(execFile)(command, args, { cwd, env });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "packed-"));
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const { stdout } = await run("npm", ["pack", "--silent", "--pack-destination", folder], PACKAGE);
  const tarball = `./${stdout.trim().split("\n").at(-1)}`;
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund"];
  await run("npm", ["install", ...quiet, tarball, "@azure/functions", "@azure/msal-node", "express"]);
  await run(process.execPath, [TSC, "-p", "typescript"]);
}, WITHIN_MS);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The page has no script: what msal-browser does in Chromium depends on addresses alone, and is held against the sources by
// test/browser/msal-browser.test.ts.
describe("packed and installed elsewhere", () => {
  for (const [name, node] of NODES) {
    test.skipIf(node === undefined)(
      `it serves template apps, a static page, and the tutorial's pair by configuration alone, on ${name}`,
      async () => {
        const env = { ...process.env, PATH: [dirname(node ?? ""), process.env.PATH].join(delimiter) };
        const { stdout } = await run(node ?? "", ["try.mjs"], folder, env);
        expect(JSON.parse(stdout.trim().split("\n").at(-1) ?? "")).toEqual({
          pair: [200, "Adele Vance"],
          javascript: "Hello, adele.vance@contoso.example!",
          typescript: "Hello, adele.vance@contoso.example!",
          page: "<!doctype html><title>Page</title>",
        });
      },
      WITHIN_MS,
    );
  }
});

test("its command prints what there is to say", async () => {
  const { stdout } = await run(join(folder, "node_modules/.bin/easy-auth-local"), ["--help"]);
  expect(stdout).toContain("--api <url|port|folder>");
});
