import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { fileURLToPath } from "node:url";
import { listenOnLoopback } from "easy-auth-local/parts";
import { onTestFinished } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when a line matches; rejects when the process ends first. */
  line(pattern: RegExp): Promise<string>;
}

export function start(script: string, args: readonly string[] = [], env: Record<string, string> = {}): Running {
  return run(process.execPath, ["--import", "tsx", script, ...args], env);
}

export function run(command: string, args: readonly string[], env: Record<string, string> = {}): Running {
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

export async function freePort(): Promise<number> {
  const server = await listenOnLoopback(http.createServer(), 0);
  await server.close();
  return Number(new URL(server.url).port);
}

/** The first address on this machine in a line of what is printed. */
export async function urlOf(running: Running, line: RegExp): Promise<string> {
  return /http:\/\/localhost:\d+/.exec(await running.line(line))?.[0] ?? "";
}

export async function exitCode({ child }: Running): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}
