import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { SIGNED_IN, serveSilentBackend } from "./fixture.ts";

const BUILT = fileURLToPath(new URL("../../dist/frontend", import.meta.url));

/** Folder outside this repository, so that the app finds only what was deployed. */
let deployed: string;

beforeAll(() => {
  deployed = mkdtempSync(join(tmpdir(), "frontend-"));
  cpSync(BUILT, deployed, { recursive: true });
});

afterAll(() => rmSync(deployed, { recursive: true }));

describe("the built frontend, deployed alone", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("serves its page, and stops on %s with exit code 0", async (signal) => {
    const frontend = start(process.execPath, ["main.mjs"], { BACKEND_URL: "https://api.example.net", PORT: "0" });
    const url = await urlOf(frontend);
    expect(await (await fetch(url)).text()).toContain("<title>Your profile</title>");
    frontend.kill(signal);
    expect(await once(frontend, "exit")).toEqual([0, null]);
  });

  test("starts with npm start, and stops when npm gets SIGTERM", async () => {
    const frontend = start("npm", ["start"], {
      BACKEND_URL: "https://api.example.net",
      PORT: String(await freePort()),
    });
    const url = await urlOf(frontend);
    expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: "ok" });
    frontend.kill("SIGTERM");
    await once(frontend, "exit");
    await expect(fetch(url)).rejects.toThrow();
  });

  test("finishes running requests before it stops, and accepts no new ones", async () => {
    const backend = await serveSilentBackend();
    const frontend = start(process.execPath, ["main.mjs"], { BACKEND_URL: backend.url, PORT: "0" });
    const url = await urlOf(frontend);
    const answer = fetch(`${url}/api/slow`, { headers: SIGNED_IN });
    const [, backendResponse] = await backend.arrived;
    frontend.kill("SIGTERM");
    await expect.poll(() => connects(url)).toBe(false);
    backendResponse.end("late");
    expect(await (await answer).text()).toBe("late");
    expect(await once(frontend, "exit")).toEqual([0, null]);
  });

  test("breaks off a request that does not end, so that it stops before App Service kills it", async () => {
    const backend = await serveSilentBackend();
    const frontend = start(process.execPath, ["main.mjs"], { BACKEND_URL: backend.url, PORT: "0" });
    const answer = fetch(`${await urlOf(frontend)}/api/slow`, { headers: SIGNED_IN });
    const brokenOff = expect(answer).rejects.toThrow();
    await backend.arrived;
    frontend.kill("SIGTERM");
    // The frontend's own time-out for the backend comes only after 15 s.
    expect(await once(frontend, "exit", { signal: AbortSignal.timeout(10_000) })).toEqual([0, null]);
    await brokenOff;
  });

  test("names the settings it lacks, without a stack trace, and exits with code 1", async () => {
    const frontend = start(process.execPath, ["main.mjs"], { PORT: "eighty" });
    const [message, [code]] = await Promise.all([text(frontend.stderr), once(frontend, "exit")]);
    expect(code).toBe(1);
    expect(message).toMatch(
      /^The frontend cannot start.*\n {2}- BACKEND_URL is missing.*\n {2}- PORT is not a port.*\n$/,
    );
  });
});

type Running = ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream };

function start(command: string, args: readonly string[], environment: Record<string, string>): Running {
  const child = spawn(command, args, {
    cwd: deployed,
    env: { PATH: process.env.PATH, HOME: deployed, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function urlOf({ stdout }: Running): Promise<string> {
  let output = "";
  for await (const chunk of stdout) {
    output += String(chunk);
    const port = /listens on port (\d+)/.exec(output)?.[1];
    if (port) return `http://127.0.0.1:${port}`;
  }
  throw new Error(`The frontend did not start: ${output}`);
}

/** Resolves to whether a new connection is accepted. */
function connects(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get(`${url}/health`, { agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    request.on("error", () => resolve(false));
  });
}
