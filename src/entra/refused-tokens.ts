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
 * Tokens that their resource refused, by the key of the cache, for a minute. Each is renewed once: a user whom a resource
 * challenges at every request costs one exchange, not one for each request. A refused token stays cached, since it may be good
 * for other calls of its resource, and so that nothing is exchanged in its place.
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

  /** Whether a token of the key was refused within the last minute, this one or an earlier one. */
  has(key: string, token?: string): boolean {
    if (this.#kept.size === 0) return false;
    const kept = this.#kept.get(key);
    return kept !== undefined && (token === undefined || kept.token === token);
  }

  /** Whether a renewal would be a new attempt: the first of all, or the first with these claims, and not one too many. */
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

  /** Takes an attempt back that failed for reasons that pass. */
  removeRenewal(key: string, claims = ""): void {
    const kept = this.#kept.get(key);
    if (kept) this.#kept.set(key, { ...kept, renewals: kept.renewals.filter((one) => one !== claims) });
  }
}
