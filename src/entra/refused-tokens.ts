import { LRUCache } from "lru-cache";

/** A token that its resource refused, with the renewals since. */
interface RefusedToken {
  readonly token: string;
  /** Claims of each renewal since the first refusal; empty text for none. */
  readonly renewals: readonly string[];
}

const MOST_KEPT = 10_000;
/** Time in which a renewal that did not help is not repeated. */
const KEPT_MS = 60_000;
/** Maximum of renewals with different claims. */
const MOST_RENEWALS = 2;

/**
 * Tokens that their resource refused, by the key of the cache, for a minute. Each is renewed once, or twice for different
 * claims, so a user whom a resource challenges at every request does not cost an exchange each time. A refused token stays
 * cached: it may be good for other calls of the resource, and without it each of them would cost an exchange.
 */
export class RefusedTokens {
  readonly #kept: LRUCache<string, RefusedToken>;

  constructor(now: () => number) {
    const clock = { ttlResolution: 0, perf: { now } };
    this.#kept = new LRUCache({ max: MOST_KEPT, ttl: KEPT_MS, noUpdateTTL: true, ...clock });
  }

  /** Notes that a token was refused. */
  add(key: string, token: string): void {
    this.#kept.set(key, { token, renewals: this.#kept.get(key)?.renewals ?? [] });
  }

  /** Whether `token` is the key's last refused token of the last minute; without `token`, whether there is one. */
  has(key: string, token?: string): boolean {
    if (this.#kept.size === 0) return false;
    const kept = this.#kept.get(key);
    return kept !== undefined && (token === undefined || kept.token === token);
  }

  /** Whether to renew: nothing was tried yet, or other claims, fewer than `MOST_RENEWALS` times. */
  mayRenew(key: string, claims?: string): boolean {
    const renewals = this.#kept.get(key)?.renewals ?? [];
    if (claims === undefined) return renewals.length === 0;
    return !renewals.includes(claims) && renewals.length < MOST_RENEWALS;
  }

  /** Notes an attempt to renew. */
  addRenewal(key: string, claims = ""): void {
    const kept = this.#kept.get(key);
    if (kept) this.#kept.set(key, { ...kept, renewals: [...kept.renewals, claims] });
  }

  /** Takes back an attempt that failed for a reason that passes. */
  removeRenewal(key: string, claims = ""): void {
    const kept = this.#kept.get(key);
    if (kept) this.#kept.set(key, { ...kept, renewals: kept.renewals.filter((one) => one !== claims) });
  }
}
