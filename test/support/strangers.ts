import { join } from "node:path";
import { createSigningKeys, type SigningKeys } from "easy-auth-local/parts";
import { inject } from "vitest";

/** Signing keys that no stack has. Made once for all test files, since a pair takes 400 ms of processor time. */
export function strangersKeys(): Promise<SigningKeys> {
  return createSigningKeys(join(inject("stateFolder"), "strangers"));
}
