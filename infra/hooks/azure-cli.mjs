// @ts-check
import { execFileSync } from "node:child_process";

/** Time-out of one command of the Azure CLI, in milliseconds. Registering a resource provider takes a few minutes. */
const TIMEOUT_MS = 600_000;

/** Stops a hook with a message for the person at the terminal, without a stack. */
export class HookError extends Error {
  /** @override */
  name = "HookError";
}

/**
 * Runs `az` and returns its output as text.
 *
 * @param {...string} args without blanks or `&`: on Windows they pass through a shell
 */
export function az(...args) {
  try {
    const [command, ...all] = commandLine(args);
    return execFileSync(command, all, { encoding: "utf8", stdio: "pipe", timeout: TIMEOUT_MS }).trim();
  } catch (error) {
    const { code, stderr } = /** @type {{ code?: string; stderr?: string }} */ (error);
    if (code === "ENOENT") throw new HookError("The Azure CLI is missing. Install it, then run: az login");
    throw new HookError(`az ${args.join(" ")}\n${stderr?.trim() || "gave no reason"}`);
  }
}

/**
 * Returns the command line for `az`, which on Windows is a script that only a shell can start.
 *
 * @param {readonly string[]} args
 * @returns {[string, ...string[]]}
 */
function commandLine(args) {
  if (process.platform !== "win32") return ["az", ...args];
  return ["cmd.exe", "/d", "/c", ["az", ...args].join(" ")];
}

/**
 * Runs `az` and returns its output as parsed JSON; undefined when the command fails.
 *
 * @param {...string} args
 */
export function tryAz(...args) {
  try {
    return JSON.parse(az(...args, "--output", "json") || "null");
  } catch {
    return undefined;
  }
}

/** Returns the origin of Microsoft Graph in the cloud that the Azure CLI is signed in to. */
export function graphOrigin() {
  return az("cloud", "show", "--query", "endpoints.microsoftGraphResourceId", "--output", "tsv").replace(/\/$/, "");
}

/**
 * Runs a hook and prints its messages. A `HookError` ends it with exit code 1 and the plain message.
 *
 * @param {(say: (line: string) => void) => void | Promise<void>} hook
 */
export async function runHook(hook) {
  try {
    await hook((line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    if (!(error instanceof HookError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
