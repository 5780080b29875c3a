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

/** Bytes of an entry besides its strings: measured, see docs/performance.md. */
const ENTRY_OVERHEAD_BYTES = 700;

/**
 * Tokens by assertion and scopes, bounded in bytes: the entry used least recently goes first. An entry lives until 300 s
 * before its token's end, or until its assertion's end, whichever is sooner.
 * Knows nothing of revocation: Entra and the resource say so, and `delete` obeys.
 */
export class TokenCache {
  readonly #entries: LRUCache<string, CachedToken>;
  readonly #now: () => number;

  constructor({ maxBytes, now = Date.now }: TokenCacheOptions) {
    this.#now = now;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ accessToken }, key) => accessToken.length + key.length + ENTRY_OVERHEAD_BYTES,
      perf: { now },
      ttlResolution: 0,
    });
  }

  /**
   * The key of one user's token: the whole assertion, never a claim of it, and the scopes in any order. The tenant is part
   * of what is hashed: an assertion is exchanged at its own tenant's authority.
   */
  keyOf(assertion: string, scopes: readonly string[]): string {
    return `${hash("sha256", assertion, "base64url")} ${scopes.length === 1 ? scopes[0] : [...scopes].sort().join(" ")}`;
  }

  get(key: string): CachedToken | undefined {
    return this.#entries.get(key);
  }

  /** @param expiresAt milliseconds since 1970: the access token's end */
  set(key: string, token: CachedToken, expiresAt: number): void {
    const end = Math.min(expiresAt - EXPIRY_MARGIN_SECONDS * 1000, token.user.expiresAt * 1000);
    const ttl = end - this.#now();
    if (ttl > 0) this.#entries.set(key, token, { ttl });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The cache's own account of its bytes, never above the bound. */
  get bytes(): number {
    return this.#entries.calculatedSize;
  }
}
