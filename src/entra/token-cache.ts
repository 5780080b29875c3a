import { hash } from "node:crypto";
import type { VerifiedUser } from "../user.ts";
import { type CachedToken, TokenTable } from "./token-table.ts";

export interface TokenCacheOptions {
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Seconds before a token's end when it is no longer handed out, so that it outlives the request it is used for. */
export const EXPIRY_MARGIN_SECONDS = 300;

/** Bytes of an entry beside its token and its slot, as measured in docs/performance.md. */
const ENTRY_OVERHEAD_BYTES = 250;

/** Size of an entry that the table's slots are counted by. Entra's are larger; with smaller ones the slots run out first. */
const SMALL_ENTRY_BYTES = 2048;

/**
 * Tokens by assertion and scopes, bounded in bytes; the least recently used go first. An entry lives until 300 s before its
 * token's end, or until its assertion's end, whichever is sooner. Does not know of revocation: the caller deletes a token
 * that Entra or the resource refuses.
 */
export class TokenCache {
  readonly #table: TokenTable;
  readonly #maxBytes: number;
  readonly #now: () => number;
  #bytes: number;

  constructor({ maxBytes, now = Date.now }: TokenCacheOptions) {
    this.#table = new TokenTable(Math.ceil(maxBytes / SMALL_ENTRY_BYTES));
    this.#bytes = this.#table.bytes;
    this.#maxBytes = maxBytes;
    this.#now = now;
  }

  /**
   * Returns the key of one user's token: SHA-256 of the scopes and the whole assertion, never of a claim in it. The assertion
   * names its tenant, at whose authority it is exchanged, so the key holds the tenant too.
   */
  keyOf(assertion: string, scopes: readonly string[]): string {
    const names = scopes.length === 1 ? scopes[0] : [...scopes].sort().join(" ");
    return hash("sha256", `${names} ${assertion}`, "binary");
  }

  get(key: string): CachedToken | undefined {
    const slot = this.#table.find(key);
    if (slot === undefined) return undefined;
    if (this.#table.endOf(slot) * 1000 <= this.#now()) {
      this.#drop(slot);
      return undefined;
    }
    this.#table.markUsed(slot);
    return this.#table.tokenOf(slot);
  }

  /** @param expiresAt milliseconds since 1970: the access token's end */
  set(key: string, token: CachedToken, expiresAt: number): void {
    this.delete(key);
    const end = endOfUse(expiresAt, token.user);
    const bytes = bytesOf(token);
    if (end * 1000 <= this.#now() || this.#table.bytes + bytes > this.#maxBytes) return;
    while (this.#bytes + bytes > this.#maxBytes || this.size >= this.#table.capacity) {
      this.#drop(this.#table.nextToEvict());
    }
    this.#table.add(key, token, end);
    this.#bytes += bytes;
  }

  delete(key: string): void {
    this.#drop(this.#table.find(key));
  }

  get size(): number {
    return this.#table.size;
  }

  /** Bytes that the cache counts for its entries, never above the bound. */
  get bytes(): number {
    return this.#bytes;
  }

  #drop(slot: number | undefined): void {
    if (slot === undefined) return;
    this.#bytes -= bytesOf(this.#table.tokenOf(slot));
    this.#table.delete(slot);
  }
}

/** Returns the seconds since 1970 when a token is no longer handed out. `expiresAt` is the token's end in milliseconds. */
export function endOfUse(expiresAt: number, user: VerifiedUser): number {
  return Math.floor(Math.min(expiresAt / 1000 - EXPIRY_MARGIN_SECONDS, user.expiresAt));
}

function bytesOf({ accessToken }: CachedToken): number {
  return accessToken.length + ENTRY_OVERHEAD_BYTES;
}
