import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StackAddresses } from "../routing/child-environment.ts";

/** Addresses of a stack that runs, as other commands find them. */
export interface RunningStack extends StackAddresses {
  readonly entraHttpsUrl?: string | undefined;
  readonly graphHttpsUrl?: string | undefined;
}

const FILE = "running.json";

/** Writes down where the stack of a folder listens. Returns what removes that. */
export function noteRunningStack(folder: string, running: RunningStack): () => void {
  const file = join(folder, FILE);
  const content = JSON.stringify({ ...running, pid: process.pid });
  writeFileSync(file, content);
  return () => {
    // Another stack may have started there since.
    if (readText(file) === content) rmSync(file, { force: true });
  };
}

/** Reads where the stack of a folder listens. When none runs, says so on standard error and takes the default ports. */
export function findRunningStack(folder: string): RunningStack {
  const noted = JSON.parse(readText(join(folder, FILE)) ?? "{}") as Partial<RunningStack & { pid: number }>;
  const { entraUrl, graphUrl, pid } = noted;
  if (entraUrl && graphUrl && pid && isRunning(pid)) return { ...noted, entraUrl, graphUrl };
  process.stderr.write(
    `No stack runs in ${dirname(folder)}: these are the default ports. --config names its configuration.\n`,
  );
  return { entraUrl: "http://localhost:4282", graphUrl: "http://localhost:4283" };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user cannot be signalled.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
