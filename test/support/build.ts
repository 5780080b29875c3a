import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { buildPackage } from "../../packages/easy-auth-local/scripts/build.mjs";
import { createSigningKeys } from "../../packages/easy-auth-local/src/entra/keys.ts";
import { build } from "../../scripts/build.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder with the signing keys of all test stacks, made once: a pair of RSA keys takes 400 ms of processor time. */
    readonly stateFolder: string;
  }
}

/** Variables with the folder for temporary files of Node, its tools and .NET: https://nodejs.org/api/os.html#ostmpdir */
const TEMPORARY = ["TMPDIR", "TEMP", "TMP"];

/**
 * Prepares a test run once: builds the bundle for end-to-end tests, and makes signing keys. Tests and the tools that
 * they start (tsx and dotnet leave files behind) share one folder for temporary files, which is deleted when the run
 * ends.
 */
export default async function prepare({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "tests-"));
  for (const name of TEMPORARY) process.env[name] = folder;
  // The builds and the compiler, written in Go, spend a quarter of their time on garbage that is gone when they end.
  Object.assign(process.env, { GOGC: "off", GOMEMLIMIT: "600MiB" });
  const stateFolder = join(folder, "state");
  await Promise.all([build(), buildPackage(), createSigningKeys(stateFolder)]);
  provide("stateFolder", stateFolder);
  return () => rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
