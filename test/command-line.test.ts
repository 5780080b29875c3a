import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenOnLoopback } from "../emulator/loopback-server.ts";
import { FREE_PORTS, startStack } from "../emulator/stack.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Running {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when a line matches; rejects when the process ends first. */
  line(pattern: RegExp): Promise<string>;
}

function start(script: string, args: readonly string[] = [], env: Record<string, string> = {}): Running {
  return run(process.execPath, ["--import", "tsx", script, ...args], env);
}

function run(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
  const child = spawn(command, args, { cwd: ROOT, env: { ...process.env, ...env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = output.split("\n").find((one) => pattern.test(one));
        if (found !== undefined) resolve(found);
      };
      child.stdout?.on("data", look);
      child.once("close", () => reject(new Error(`Ended without ${pattern}:\n${output}`)));
      look();
    });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  return { child, output: () => output, line };
}

async function freePort(): Promise<number> {
  const server = await listenOnLoopback(http.createServer(), 0);
  await server.close();
  return Number(new URL(server.url).port);
}

async function exitCode({ child }: Running): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}

describe("npm start", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "prints its addresses, then Ready; %s to npm alone stops all of it with exit code 0",
    async (signal) => {
      const running = run("npm", ["start", "--", "--free-ports"]);
      await running.line(/^Ready/);
      const lines = running
        .output()
        .split("\n")
        .filter((one) => one !== "");
      expect(lines.at(-1)).toMatch(/^Ready: open http:\/\/localhost:\d+/);
      expect(running.output()).toMatch(/profile: \[GET\] http:\/\/localhost:\d+\/api\/profile/);
      running.child.kill(signal);
      expect(await exitCode(running)).toBe(0);
    },
  );

  test("prints each request with all it led to, with --trace", async () => {
    const running = start("emulator/main.ts", ["--free-ports", "--trace"]);
    const url = /http:\S+/.exec(await running.line(/^API, behind Easy Auth/))?.[0] ?? "";
    await running.line(/^Ready/);
    expect((await fetch(url)).status).toBe(401);
    await running.line(/^ {2}client → API gate {2}GET \/api\/profile {2}401 .*✗ WWW-Authenticate: Bearer /);
  });

  test("names the port that is in use, and closes what it had started", async () => {
    const taken = await listenOnLoopback(http.createServer(), 0);
    onTestFinished(() => taken.close());
    const graph = await freePort();
    const ports = { ...FREE_PORTS, graph, frontend: Number(new URL(taken.url).port) };
    await expect(startStack({ ports })).rejects.toThrow(`Port ${ports.frontend} is in use.`);
    await expect(fetch(`http://localhost:${graph}`)).rejects.toThrow();
  });

  test("refuses to start in App Service", async () => {
    const running = start("emulator/main.ts", ["--free-ports"], { WEBSITE_SITE_NAME: "real-app" });
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("WEBSITE_SITE_NAME");
  });

  test("names an option it does not know", async () => {
    const running = start("emulator/main.ts", ["--freeports"]);
    expect(await exitCode(running)).toBe(1);
    expect(running.output()).toContain("--freeports");
  });
});

describe("npm run token", () => {
  test("prints a token for the API and nothing else", async () => {
    const stack = start("emulator/main.ts", ["--free-ports"]);
    const entra = /http:\S+/.exec(await stack.line(/^Entra ID emulator/))?.[0] ?? "";
    const script = start("scripts/token.ts", ["sparse", "--entra", entra]);
    expect(await exitCode(script)).toBe(0);
    expect(script.output()).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test("says so when the stack is not running", async () => {
    const script = start("scripts/token.ts", ["--entra", "http://localhost:9"]);
    expect(await exitCode(script)).toBe(1);
    expect(script.output()).toContain("npm start");
  });
});
