import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Returns a function that tells whether the processes that started this one still run: its parent, and the parent's
 * parent, since npm runs a command in a shell, which outlives npm.
 */
export function watchParents(): () => boolean {
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  return () => process.ppid === parent && parentOf(parent) === grandparent;
}

/** Returns the parent of a process; undefined where the system does not tell. */
function parentOf(pid: number): string | undefined {
  try {
    // The program's name, which comes first in parentheses, may hold any character: proc_pid_stat(5).
    return readFileSync(`/proc/${pid}/stat`, "latin1").replace(/^.*\)/s, "").split(" ")[2];
  } catch {
    return parentByPs(pid);
  }
}

function parentByPs(pid: number): string | undefined {
  try {
    const args = ["-o", "ppid=", "-p", String(pid)];
    return String(execFileSync("ps", args, { stdio: ["ignore", "pipe", "ignore"] })).trim();
  } catch {
    return undefined;
  }
}
