import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import { inject } from "vitest";

const DAY_MS = 86_400_000;

export interface PemPair {
  readonly key: string;
  readonly certificate: string;
}

/** Returns two self-signed certificates with their RSA keys, valid since yesterday. Made once for all test files. */
export async function pemPairs(): Promise<readonly [PemPair, PemPair]> {
  const file = join(inject("stateFolder"), "pem-pairs.json");
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) return JSON.parse(kept);
  const made = await Promise.all([createPemPair(), createPemPair()] as const);
  // Replaces the file atomically, since another test file may be reading it.
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, JSON.stringify(made));
  await rename(draft, file);
  return made;
}

async function createPemPair(): Promise<PemPair> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "api" }], {
    keySize: 2048,
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + 30 * DAY_MS),
  });
  return { key, certificate: cert };
}
