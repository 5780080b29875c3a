import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { VerifiedUser } from "../user.ts";

/** A verified user with the access token that was issued on their behalf. */
export interface CachedToken {
  readonly user: VerifiedUser;
  readonly accessToken: string;
}

/** Seconds before a token's end when it is no longer handed out, so that it outlives the request it is used for. */
export const EXPIRY_MARGIN_SECONDS = 300;

/** Bytes of an entry beside its token and its key, as measured in docs/performance.md. */
const ENTRY_OVERHEAD_BYTES = 420;

/**
 * Tokens by assertion and scopes, bounded in bytes; the least recently used go first. An entry lives until 300 s before its
 * token's end, or until its assertion's end, whichever is sooner. Does not know of revocation: see `refused-tokens.ts`.
 */
export class TokenCache {
  readonly #tokens: LRUCache<string, CachedToken>;
  readonly #now: () => number;

  /** @param options `now` gives milliseconds since 1970 */
  constructor({ maxBytes, now = Date.now }: { readonly maxBytes: number; readonly now?: () => number }) {
    this.#now = now;
    this.#tokens = new LRUCache({
      maxSize: maxBytes,
      sizeCalculation: ({ accessToken }, key) => accessToken.length + key.length + ENTRY_OVERHEAD_BYTES,
      ttlResolution: 0,
      perf: { now },
    });
  }

  /**
   * Returns the key of one user's token: SHA-256 of the whole assertion, never of a claim in it, and the scopes. The assertion
   * names its tenant, at whose authority it is exchanged, so the key holds the tenant too.
   */
  keyOf(assertion: string, scopes: readonly string[]): string {
    const names = scopes.length === 1 ? scopes[0] : [...scopes].sort().join(" ");
    // The assertion alone is hashed: text put together with it would be copied at each request.
    return `${hash("sha256", assertion, "binary")}${names}`;
  }

  get(key: string): CachedToken | undefined {
    return this.#tokens.get(key);
  }

  /** @param expiresAt milliseconds since 1970: the access token's end */
  set(key: string, token: CachedToken, expiresAt: number): void {
    // One less, since lru-cache hands an entry out at its very end; and it takes 0 to mean without end.
    const ttl = endOfUse(expiresAt, token.user) * 1000 - this.#now() - 1;
    if (ttl > 0) this.#tokens.set(key, token, { ttl });
    else this.#tokens.delete(key);
  }

  get size(): number {
    return this.#tokens.size;
  }

  /** Bytes that the cache counts for its entries, never above the bound. */
  get bytes(): number {
    return this.#tokens.calculatedSize;
  }
}

/** Returns when a token is no longer handed out, in seconds since 1970. `expiresAt` is the token's end in milliseconds. */
export function endOfUse(expiresAt: number, user: VerifiedUser): number {
  return Math.floor(Math.min(expiresAt / 1000 - EXPIRY_MARGIN_SECONDS, user.expiresAt));
}
