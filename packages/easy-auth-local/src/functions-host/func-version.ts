import { execFile } from "node:child_process";
import { promisify } from "node:util";

const OLDEST = [4, 14] as const;
const ANSWER_WITHIN_MS = 60_000;

/**
 * Rejects when the `func` on the environment's PATH is older than 4.14, the first that listens on loopback alone: before,
 * everybody on the network reached its admin API, which asks for no key. Resolves when there is no `func`.
 *
 * Source: release notes of 4.14.0, https://github.com/Azure/azure-functions-core-tools/releases
 */
export async function refuseOldFunc(env: NodeJS.ProcessEnv): Promise<void> {
  const version = await versionOfFunc(env);
  const [major = 0, minor = 0] = version?.split(".").map(Number) ?? OLDEST;
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new Error(
    `func ${version} listens on all network interfaces, where everybody may use its admin API. From 4.14 on, Core Tools ` +
      "listen on this machine alone: npm install --global azure-functions-core-tools@4 (on Node 22 or later), " +
      "or start without --func: the embedded host needs nothing.",
  );
}

/** Returns the version; undefined when there is no `func`. */
async function versionOfFunc(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const options = { env, timeout: ANSWER_WITHIN_MS, shell: process.platform === "win32" };
  try {
    const { stdout } = await promisify(execFile)("func", ["--version"], options);
    const version = /^\d+\.\d+\.\d+\S*/m.exec(stdout)?.[0];
    if (version === undefined) throw new Error(`func --version answered ${JSON.stringify(stdout.slice(0, 100))}.`);
    return version;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
