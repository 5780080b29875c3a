// @ts-check
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * A registration to delete. `objects` are the ids of its application and service principal, which remain as deleted objects
 * until they are purged.
 *
 * @typedef {{ clientId: string; objects: readonly string[] }} Registration
 */

/** File that keeps the registrations until all are purged, since `azd down` forgets its outputs. */
const file = join(".azure", process.env.AZURE_ENV_NAME ?? "", "registrations.json");

/** @param {readonly Registration[]} registrations */
export async function rememberRegistrations(registrations) {
  if (registrations.length === 0) return rm(file, { force: true });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(registrations)}\n`);
}

/** @returns {Promise<readonly Registration[]>} */
export async function rememberedRegistrations() {
  return JSON.parse(await readFile(file, "utf8").catch(() => "[]"));
}
