import { generate } from "selfsigned";

const DAY_MS = 86_400_000;

export interface PemPair {
  readonly key: string;
  readonly certificate: string;
}

/** A self-signed certificate and its key, valid from and until days from now. */
export async function createPemPair({ from = -1, until = 30, keySize = 2048 } = {}): Promise<PemPair> {
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  const { private: key, cert } = await generate([{ name: "commonName", value: "api" }], {
    keySize,
    algorithm: "sha256",
    notBeforeDate: at(from),
    notAfterDate: at(until),
  });
  return { key, certificate: cert };
}
