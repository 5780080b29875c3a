import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { exitCode, ROOT, type Running, startCommand, urlOf } from "../support/command.ts";

describe("npm start -- --func", () => {
  /** Makes a `func` like that of Core Tools, a script that starts another process which serves. Returns its folder. */
  async function fakeFunc(host: string): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "func-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const script = `#!${process.execPath}
      if (process.argv[2] === "--version") return console.log("4.14.0");
      const host = require("node:child_process").spawn(process.execPath, [__dirname + "/host.js", ...process.argv.slice(2)], { stdio: "inherit" });
      host.on("exit", (code) => process.exit(code ?? 1));`;
    await writeFile(join(folder, "func"), script, { mode: 0o755 });
    await writeFile(join(folder, "host.js"), host);
    return folder;
  }

  /** Answers 503 at first, as the host does while it starts; then its environment and Entra's answer to it. */
  const HOST = `
    let asked = 0;
    console.log("fake func " + process.argv.slice(2).join(" "));
    require("node:http").createServer(async (request, response) => {
      if (++asked < 3) return response.writeHead(503).end();
      if (request.url === "/api/health?end") return process.exit(7);
      if (request.url === "/api/health?now") return response.end(String(Date.now()));
      const { traceparent } = request.headers;
      const keys = "https://login.microsoftonline.com/organizations/discovery/v2.0/keys";
      const answer = await fetch(keys, { headers: traceparent ? { traceparent } : {} }).catch(() => undefined);
      response.end(JSON.stringify({ entra: answer?.status, clientId: process.env.WEBSITE_AUTH_CLIENT_ID }));
    }).listen(Number(process.argv[4]), process.argv[6]);`;

  /** Starts the command with a static page as frontend, which needs no process. */
  async function startWithFunc(host: string, ...args: string[]): Promise<Running> {
    const folder = await fakeFunc(host);
    await writeFile(join(folder, "index.html"), "<!doctype html><title>Page</title>");
    const PATH = `${folder}${delimiter}${process.env.PATH}`;
    return startCommand(["--func", "--frontend", folder, ...args], { PATH });
  }

  test("puts the gate in front of func, whose app reaches the emulators and lives by their clock; ends with exit code 1 when func ends, and says so", async () => {
    const running = await startWithFunc(HOST, "--trace");
    await running.line(/^Ready/);
    const [api, host] = [await urlOf(running, /^API, behind/), await urlOf(running, /^Functions host/)];
    const entra = await urlOf(running, /^Entra ID emulator/);
    expect(running.output()).toContain(`fake func start --port ${new URL(host).port} --address 127.0.0.1`);
    expect((await fetch(`${api}/api/profile`)).status).toBe(401);
    const answer = await (await fetch(`${api}/api/health`)).json();
    expect(answer).toEqual({ entra: 200, clientId: "00001111-aaaa-2222-bbbb-3333cccc4444" });
    await expectTrace(running, entra);
    await expectClock(api, entra);
    await fetch(`${api}/api/health?end`);
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("func ended (exit code 7).");
  });

  /** Expects that the app's requests to Entra appear in the trace as the function's, which itself cannot be seen. */
  async function expectTrace(running: Running, entra: string): Promise<void> {
    await running.line(/^ {2}client → API gate {2}GET \/api\/health {2}200 /);
    await running.line(/^ {6}→ Entra {2}GET \/organizations\/discovery\/v2\.0\/keys {2}200/);
    const page = await (await fetch(`${entra}/trace`)).text();
    expect(page).toContain("<strong>function → Entra</strong> <code>GET /organizations/discovery/v2.0/keys</code>");
    expect(page).toContain("<dt>Not seen</dt><dd>what happens inside: it runs in a process of its own</dd>");
  }

  async function expectClock(api: string, entra: string): Promise<void> {
    const hoursAhead = async () => {
      const now = Number(await (await fetch(`${api}/api/health?now`)).text());
      return (now - Date.now()) / 3600_000;
    };
    expect(await hoursAhead()).toBeCloseTo(0);
    for (const hours of [1, 3]) {
      const body = JSON.stringify({ advanceSeconds: hours === 1 ? 3600 : 7200 });
      await fetch(`${entra}/emulator/clock`, { method: "POST", headers: { "content-type": "application/json" }, body });
      await vi.waitFor(async () => expect(await hoursAhead()).toBeCloseTo(hours));
    }
  }

  test("makes the app trust the local Storage with --files; SIGTERM ends all of it", async () => {
    const host = `require("node:http").createServer(async (request, response) => {
      const answer = await fetch(process.env.STORAGE_ACCOUNT_URL + "/" + process.env.STORAGE_CONTAINER);
      response.end(String(answer.status));
    }).listen(Number(process.argv[4]), process.argv[6]);`;
    const running = await startWithFunc(host, "--files");
    await running.line(/^Ready/);
    expect(await (await fetch(`${await urlOf(running, /^API, behind/)}/api/health`)).text()).toBe("401");
    running.child.kill("SIGTERM");
    expect(await exitCode(running)).toBe(0);
    await expect(fetch(await urlOf(running, /^Functions host/))).rejects.toThrow();
  });

  test("ends, on SIGINT, a func that does not answer yet", async () => {
    const running = await startWithFunc(
      'require("node:http").createServer((_, response) => response.writeHead(503).end()).listen(0, "127.0.0.1", function () { console.log("never ready at http://localhost:" + this.address().port); });',
    );
    const url = await urlOf(running, /never ready/);
    running.child.kill("SIGINT");
    expect(await exitCode(running)).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  test.skipIf(existsSync(`${ROOT}node_modules/.bin/func`))("says how to install func when it is missing", async () => {
    const running = startCommand(["--func"], { PATH: tmpdir() });
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("func was not found");
    expect(running.output()).toContain("npm install --global azure-functions-core-tools@4");
  });
});
