import { chmodSync } from "node:fs";
import { delimiter } from "node:path";
import { describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { freePort } from "../../src/http/loopback-server.ts";
import { startStack } from "../../src/stack/stack.ts";
import { writeFolder } from "./fixture-app.ts";

/** An app that answers with its worker runtime and the name of its user. */
const APP = `require("node:http").createServer((request, response) => {
        const name = Buffer.from(request.headers["x-ms-client-principal-name"] ?? "", "latin1").toString();
        response.end(JSON.stringify({ runtime: process.env.FUNCTIONS_WORKER_RUNTIME, name }));
      }).listen(Number(process.argv[4]), "127.0.0.1");`;

/** Puts a `func` on the PATH that runs an app. */
function useFunc(version = "4.14.0", app = APP): void {
  const folder = writeFolder({
    func: `#!${process.execPath}
      if (process.argv[2] === "--version") return console.log(${JSON.stringify(version)});
      ${app}`,
  });
  chmodSync(`${folder}/func`, 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  onTestFinished(() => void vi.unstubAllEnvs());
}

const HOST_JSON = { version: "2.0" };
const withRuntime = (FUNCTIONS_WORKER_RUNTIME: string) => ({
  "local.settings.json": { IsEncrypted: false, Values: { FUNCTIONS_WORKER_RUNTIME } },
});

async function answerOf(options: Parameters<typeof startStack>[0], changes: Record<string, unknown> = {}) {
  const stack = await startStack({ stateFolder: inject("stateFolder"), ...options });
  onTestFinished(() => stack.close());
  const account = stack.directory.accountByKey("works");
  const audience = stack.registrations.get("api");
  if (!account || !audience) throw new Error("Not there.");
  const token = await stack.issuer.apiToken({ account, audience, scope: "user_impersonation" }, changes);
  return (await fetch(stack.apiUrl, { headers: { authorization: `Bearer ${token}` } })).json();
}

describe("func start, for any app", () => {
  test.each([
    ["node for a folder with a package.json", { "package.json": {} }, "node"],
    ["what local.settings.json says", { "package.json": {}, ...withRuntime("custom") }, "custom"],
    ["nothing for another app, which func knows itself", { "function_app.py": "" }, undefined],
  ])("gets as its worker runtime %s", async (_, files: Record<string, string | object>, runtime) => {
    useFunc();
    vi.stubEnv("FUNCTIONS_WORKER_RUNTIME", undefined);
    const app = writeFolder({ "host.json": HOST_JSON, ...files });
    expect(await answerOf({ api: { app }, func: true })).toEqual({
      ...(runtime && { runtime }),
      name: expect.any(String),
    });
  });

  test("is not waited for when it ends before it answers", async () => {
    useFunc("4.14.0", "process.exit(3);");
    const app = writeFolder({ "host.json": HOST_JSON });
    await expect(answerOf({ api: { app }, func: true })).rejects.toThrow("func ended (exit code 3).");
  });

  test("is recognized in --run: its app gets the headers of a function app", async () => {
    useFunc();
    const port = await freePort();
    const options = { api: { app: port, run: `func start --port ${port}` } };
    expect(await answerOf(options, { preferred_username: "ž" })).toMatchObject({ name: "Å¾" });
  });

  test("is refused in --run as well if it would listen on all network interfaces", async () => {
    useFunc("4.13.0");
    await expect(startStack({ api: { app: 9, run: "func start --verbose" } })).rejects.toThrow(
      "all network interfaces",
    );
  });
});
