import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Returns a check whether the processes that started this one are still there: its parent, and its parent's parent, since npm
 * runs a command by way of a shell, which stays when npm is gone.
 */
export function watchParents(): () => boolean {
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  return () => process.ppid === parent && parentOf(parent) === grandparent;
}

/** Returns the parent of a process; undefined where the system does not tell. */
function parentOf(pid: number): string | undefined {
  try {
    // The name before it, in parentheses, may hold anything: proc_pid_stat(5).
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
