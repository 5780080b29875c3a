import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject, onTestFinished } from "vitest";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const COMMAND = fileURLToPath(new URL("../../packages/easy-auth-local/bin/easy-auth-local.mjs", import.meta.url));

export interface Running {
  readonly child: ChildProcess;
  /** Everything printed so far. */
  output(): string;
  /** Resolves when a line matches; rejects when the process ends first. */
  line(pattern: RegExp): Promise<string>;
}

/** Starts the command on free ports with this repository's configuration, without building the apps. */
export function startCommand(args: readonly string[] = [], env: Record<string, string> = {}): Running {
  const [node = "", ...words] = commandLine();
  return run(node, [...words, ...args], env);
}

/** Returns the command line that starts the command this way. */
export function commandLine(): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), "command-"));
  const {
    build: _,
    api,
    frontend,
    registrations: __,
    ...rest
  } = JSON.parse(readFileSync(`${ROOT}easy-auth-local.json`, "utf8"));
  const apps = { api: { ...api, app: ROOT }, frontend: { ...frontend, app: `${ROOT}${frontend.app}` } };
  writeFileSync(join(folder, "configuration.json"), JSON.stringify({ ...rest, ...apps }));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  // Uses the signing keys of an earlier start.
  cpSync(inject("stateFolder"), join(folder, ".easy-auth-local"), { recursive: true });
  return [process.execPath, COMMAND, "--config", join(folder, "configuration.json"), "--free-ports"];
}

export function run(command: string, args: readonly string[], env: Record<string, string> = {}, cwd = ROOT): Running {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  onTestFinished(async () => {
    // The first signal ends the command and its child processes.
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGTERM");
      await once(child, "close");
    }
  });
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

/** Resolves to the first address on this machine in the first printed line that matches. */
export async function urlOf(running: Running, line: RegExp): Promise<string> {
  return /http:\/\/localhost:\d+/.exec(await running.line(line))?.[0] ?? "";
}

export async function exitCode({ child }: Running): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const [code] = (await once(child, "close")) as [number | null];
  return code;
}
