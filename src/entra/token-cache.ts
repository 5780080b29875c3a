import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { VerifiedUser } from "./verify.ts";

/** A verified user and the access token that was issued on their behalf. */
export interface CachedToken {
  readonly user: VerifiedUser;
  readonly accessToken: string;
}

export interface TokenCacheOptions {
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

/** Seconds before its end when a token is no longer handed out, so that it outlives the request it is used for. */
const EXPIRY_MARGIN_SECONDS = 300;

/** A large cache is kept in parts: one map of all users would stop everyone for milliseconds whenever it is rebuilt. */
const MOST_PARTS = 16;
const LEAST_PART_BYTES = 4 * 1_048_576;

/** Bytes of an entry besides its strings: measured, see docs/performance.md. */
const ENTRY_OVERHEAD_BYTES = 700;

/**
 * Tokens by assertion and scopes, bounded in bytes: the entry used least recently goes first. An entry lives until 300 s
 * before its token's end, or until its assertion's end, whichever is sooner.
 * Knows nothing of revocation: Entra and the resource say so, and `delete` obeys.
 */
export class TokenCache {
  readonly #parts: readonly LRUCache<string, CachedToken>[];
  readonly #now: () => number;
  readonly #scopeSets = new Map<string, string>();

  constructor({ maxBytes, now = Date.now }: TokenCacheOptions) {
    this.#now = now;
    const parts = Math.min(MOST_PARTS, Math.max(1, Math.floor(maxBytes / LEAST_PART_BYTES)));
    const options = {
      maxSize: Math.floor(maxBytes / parts),
      sizeCalculation: ({ accessToken }: CachedToken, key: string) =>
        accessToken.length + key.length + ENTRY_OVERHEAD_BYTES,
      perf: { now },
      ttlResolution: 0,
    };
    this.#parts = Array.from({ length: parts }, () => new LRUCache<string, CachedToken>(options));
  }

  /**
   * The key of one user's token: the SHA-256 of the whole assertion, never a claim of it, and a number for the set of scopes
   * (there are as many as the code asks for). The tenant is part of what is hashed: an assertion is exchanged at its own
   * tenant's authority. Short, because with many users comparing keys is reading cold memory.
   */
  keyOf(assertion: string, scopes: readonly string[]): string {
    const names = scopes.length === 1 ? (scopes[0] ?? "") : [...scopes].sort().join(" ");
    let number = this.#scopeSets.get(names);
    if (number === undefined) {
      number = this.#scopeSets.size === 0 ? "" : ` ${this.#scopeSets.size}`;
      this.#scopeSets.set(names, number);
    }
    return hash("sha256", assertion, "base64url") + number;
  }

  get(key: string): CachedToken | undefined {
    return this.#partOf(key)?.get(key);
  }

  /** @param expiresAt milliseconds since 1970: the access token's end */
  set(key: string, token: CachedToken, expiresAt: number): void {
    const end = Math.min(expiresAt - EXPIRY_MARGIN_SECONDS * 1000, token.user.expiresAt * 1000);
    const ttl = end - this.#now();
    if (ttl > 0) this.#partOf(key)?.set(key, token, { ttl });
  }

  delete(key: string): void {
    this.#partOf(key)?.delete(key);
  }

  get size(): number {
    return this.#parts.reduce((sum, { size }) => sum + size, 0);
  }

  /** The cache's own account of its bytes, never above the bound. */
  get bytes(): number {
    return this.#parts.reduce((sum, { calculatedSize }) => sum + calculatedSize, 0);
  }

  /** Keys begin with a hash, so three of its characters spread them evenly. */
  #partOf(key: string): LRUCache<string, CachedToken> | undefined {
    const spread = key.charCodeAt(0) * 961 + key.charCodeAt(1) * 31 + key.charCodeAt(2);
    return this.#parts[spread % this.#parts.length];
  }
}
