import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type LoopbackServer, listenOnLoopback } from "../src/http/loopback-server.ts";
import { routingEnvironment } from "../src/routing/child-environment.ts";
import { NODES } from "./nodes.ts";

let stack: LoopbackServer;
const seen: (string | undefined)[] = [];
const HOSTS = ["login.microsoftonline.com", "graph.microsoft.com", "orders.contoso.com"];

beforeAll(async () => {
  const server = http.createServer(({ headers, url }, response) => {
    if (!url?.startsWith("/emulator")) seen.push(`${headers.host}${url}`);
    response.end('{ "access_token": "routed" }');
  });
  stack = await listenOnLoopback(server, 0, HOSTS);
});
afterAll(() => stack.close());

/** Working directory of the command, which keeps its state there. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "routing-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Ways in which Node clients send requests. */
const CLIENTS = {
  fetch: 'await (await fetch("https://graph.microsoft.com/a")).text()',
  "https.get with an agent of https": `import https from "node:https";
    await new Promise((resolve, reject) => https.get("https://login.microsoftonline.com/a",
      { agent: new https.Agent({ keepAlive: false }) }, (response) => response.resume().on("end", resolve)).on("error", reject));`,
  "a named import of request, by options": `import { request } from "node:https";
    await new Promise((resolve, reject) => request({ hostname: "graph.microsoft.com", port: 443, path: "/a", method: "POST" },
      (response) => response.resume().on("end", resolve)).on("error", reject).end("body"));`,
  "another API": 'await (await fetch("https://orders.contoso.com/a")).text()',
};
const PROXY = "http://localhost:9";
const COMMAND = fileURLToPath(new URL("../bin/easy-auth-local.mjs", import.meta.url));

for (const [node, path] of NODES) {
  describe.skipIf(path === undefined).each([
    ["", {}],
    [", with proxies in the environment", { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NODE_USE_ENV_PROXY: "1" }],
  ])(`easy-auth-local env, on ${node}%s`, (_, proxies) => {
    test.each(Object.entries(CLIENTS))("routes %s", async (_name, script) => {
      seen.length = 0;
      const services = { "https://orders.contoso.com": stack.url };
      const env = { PATH: process.env.PATH, ...proxies };
      const routing = routingEnvironment({ entraUrl: stack.url, graphUrl: stack.url, services }, env);
      const program = ["--input-type=module", "--eval", `${script}; process.exit(0)`];
      await promisify(execFile)(path ?? "", program, { env: { ...env, ...routing }, timeout: 30_000 });
      expect(seen).toEqual([
        expect.stringMatching(/^(login\.microsoftonline|graph\.microsoft|orders\.contoso)\.com\/a$/),
      ]);
    });

    test("asks the stack itself for a token", async () => {
      const env = { PATH: process.env.PATH, ...proxies };
      const { stdout } = await promisify(execFile)(path ?? "", [COMMAND, "token", "--entra", stack.url], {
        env,
        cwd: folder,
      });
      expect(stdout).toBe("routed\n");
    });
  });
}
