import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

/** Reads where the stack of a folder listens; the default ports when none is noted. */
export function findRunningStack(folder: string): RunningStack {
  const text = readText(join(folder, FILE));
  if (text !== undefined) return JSON.parse(text) as RunningStack;
  return { entraUrl: "http://localhost:4282", graphUrl: "http://localhost:4283" };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
