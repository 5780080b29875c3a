// @ts-check
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where the client ids outlive `azd down`, which forgets the outputs of what it deletes. */
const file = join(".azure", process.env.AZURE_ENV_NAME ?? "", "registrations.json");

/** @param {readonly string[]} clientIds */
export async function rememberRegistrations(clientIds) {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(clientIds)}\n`);
}

/** @returns {Promise<readonly string[]>} */
export async function rememberedRegistrations() {
  return JSON.parse(await readFile(file, "utf8").catch(() => "[]"));
}

export async function forgetRegistrations() {
  await rm(file, { force: true });
}
