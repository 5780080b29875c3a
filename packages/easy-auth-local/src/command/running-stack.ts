import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { StackAddresses } from "../routing/child-environment.ts";

/** Addresses of a stack that runs, as other commands find them. */
export interface RunningStack extends StackAddresses {
  readonly entraHttpsUrl?: string | undefined;
  readonly graphHttpsUrl?: string | undefined;
}

/** Form of the name of a stack's file, with the id of its process. */
const FILE = /^running-(\d+)\.json$/;

/** Writes the addresses of a folder's stack to a file. Returns a function that removes the file. */
export function noteRunningStack(folder: string, running: RunningStack, pid = process.pid): () => void {
  const file = join(folder, `running-${pid}.json`);
  writeFileSync(file, JSON.stringify(running));
  return () => rmSync(file, { force: true });
}

/**
 * Reads the addresses of a folder's stack: of those that run, the one that was started last. When none runs, says so on
 * standard error and returns the default ports.
 */
export function findRunningStack(folder: string): RunningStack {
  const noted = filesIn(folder).map((one) => ({ ...one, isRunning: isRunning(one.pid) }));
  for (const { file } of noted.filter((one) => !one.isRunning)) rmSync(file, { force: true });
  const [latest] = noted.filter((one) => one.isRunning).sort((one, other) => other.since - one.since);
  if (latest) return JSON.parse(readFileSync(latest.file, "utf8")) as RunningStack;
  process.stderr.write(
    `No stack runs in ${dirname(folder)}: these are the default ports. --config names its configuration.\n`,
  );
  return { entraUrl: "http://localhost:4282", graphUrl: "http://localhost:4283" };
}

function filesIn(folder: string) {
  return entriesOf(folder).flatMap((name) => {
    const [, pid] = FILE.exec(name) ?? [];
    const file = join(folder, name);
    return pid === undefined ? [] : [{ file, pid: Number(pid), since: statSync(file).mtimeMs }];
  });
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user cannot be signalled.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
