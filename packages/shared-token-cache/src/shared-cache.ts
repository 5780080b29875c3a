import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { Breaker, type BreakerOptions } from "./breaker.ts";
import { type EntryBinding, type EntryKeys, entryKeysFor, open, type SealedToken, seal } from "./seal.ts";
import type { EntryName, SharedStore } from "./store.ts";

/**
 * Outcome of a look-up. `late`: not within 50 ms; `invalid`: an entry that this app did not write for this assertion;
 * `open`: the breaker is open; `busy`: too many look-ups at once.
 */
export type LookupResult = "hit" | "miss" | "late" | "invalid" | "refused" | "error" | "open" | "busy";

/** Receiver of telemetry. */
export interface SharedCacheObserver {
  lookup(result: LookupResult, store: string, seconds: number): void;
  droppedWrite(store: string): void;
}

export interface SharedCacheOptions extends Omit<BreakerOptions, "onOpen"> {
  readonly observer?: SharedCacheObserver;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** A verified assertion, and the values that a token for it is bound to. */
export interface VerifiedBinding extends EntryBinding {
  /** Seconds since 1970. */
  readonly assertionEnd: number;
}

const LOOKUP_MS = 50;
const WRITE_MS = 1000;
const MOST_LOOKUPS = 100;
const MOST_WRITES = 100;
/** Time for which a refused token is ignored in the store, in case its deletion failed. */
const REFUSED_MS = 60_000;
const MOST_REFUSED = 10_000;

/**
 * Users' tokens in a store that all instances share, behind the cache in memory. Never slows a request by more than about
 * 50 ms, never fails one: whatever goes wrong is a miss. Writes happen behind the answer; what cannot be written is dropped.
 * The app verifies the assertion before every call, and takes the user from that verification, never from an entry.
 */
export class SharedCache {
  readonly #store: SharedStore;
  readonly #observer: SharedCacheObserver | undefined;
  readonly #clock: () => number;
  readonly #breaker: Breaker;
  /** Fingerprints of tokens that a resource refused, whose entries are ignored even if their deletion failed. */
  readonly #refused = new LRUCache<string, true>({ max: MOST_REFUSED, ttl: REFUSED_MS });
  #lookups = 0;
  #writes = 0;

  constructor(store: SharedStore, { observer, clock = Date.now, ...breaker }: SharedCacheOptions = {}) {
    this.#store = store;
    this.#observer = observer;
    this.#clock = clock;
    this.#breaker = new Breaker({ ...breaker, onOpen: () => store.reconnect() });
  }

  /** Whether calls of the store are suspended because it failed. */
  get isSuspended(): boolean {
    return this.#breaker.isOpen;
  }

  /** Resolves to a token that is valid now; undefined without one. Never rejects. */
  async find(binding: VerifiedBinding): Promise<SealedToken | undefined> {
    const startedAt = performance.now();
    const { result, token } = await this.#lookUp(binding);
    this.#observer?.lookup(result, this.#store.name, (performance.now() - startedAt) / 1000);
    return token;
  }

  /** Stores a token in the background; returns at once. */
  keep(binding: VerifiedBinding, token: SealedToken): void {
    const keys = entryKeysFor(binding);
    this.#write(() => {
      if (this.#refused.has(fingerprintOf(token))) return undefined;
      const sealed = seal(keys, token);
      return (signal) => this.#store.set(nameOf(keys, binding), sealed, token.end * 1000, signal);
    });
  }

  /** Drops a token that a resource refused: here at once, in the store in the background and only if no newer one is there. */
  forget(binding: VerifiedBinding, accessToken: string): void {
    this.#refused.set(fingerprintOf({ accessToken }), true);
    const keys = entryKeysFor(binding);
    const name = nameOf(keys, binding);
    this.#write(() => async (signal) => {
      const bytes = await this.#store.get(name, signal);
      if (bytes && open(keys, bytes)?.accessToken === accessToken) await this.#store.delete(name, signal);
    });
  }

  close(): void {
    this.#store.close();
  }

  async #lookUp(binding: VerifiedBinding): Promise<{ result: LookupResult; token?: SealedToken }> {
    if (this.#lookups >= MOST_LOOKUPS) return { result: "busy" };
    if (!this.#breaker.allows()) return { result: "open" };
    const keys = entryKeysFor(binding);
    this.#lookups += 1;
    try {
      const bytes = await within(LOOKUP_MS, (signal) => this.#store.get(nameOf(keys, binding), signal));
      this.#breaker.succeeded();
      return bytes === undefined ? { result: "miss" } : this.#opened(keys, bytes);
    } catch (error) {
      this.#breaker.failed();
      return { result: error instanceof LateError ? "late" : "error" };
    } finally {
      this.#lookups -= 1;
    }
  }

  #opened(keys: EntryKeys, bytes: Uint8Array): { result: LookupResult; token?: SealedToken } {
    const token = open(keys, bytes);
    if (!token) return { result: "invalid" };
    if (token.end * 1000 <= this.#clock()) return { result: "miss" };
    return this.#refused.has(fingerprintOf(token)) ? { result: "refused" } : { result: "hit", token };
  }

  /** Writes without telling the breaker, since a full store refuses writes but still answers look-ups. */
  #write(prepare: () => ((signal: AbortSignal) => Promise<void>) | undefined): void {
    const dropped = () => this.#observer?.droppedWrite(this.#store.name);
    const work = this.#writes < MOST_WRITES && !this.#breaker.isOpen ? prepare() : undefined;
    if (!work) {
      dropped();
      return;
    }
    this.#writes += 1;
    within(WRITE_MS, work)
      .catch(dropped)
      .finally(() => {
        this.#writes -= 1;
      });
  }
}

class LateError extends Error {}

/**
 * Races the work against the time and aborts its signal when it loses. When the time is up, two turns of the event loop are
 * granted first: an answer that came while the process stalled is not late.
 */
async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      setImmediate(() => setImmediate(() => reject(new LateError())));
    }, ms);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

function nameOf({ id }: EntryKeys, { assertionEnd }: VerifiedBinding): EntryName {
  return { id: id.toString("hex"), assertionEnd };
}

function fingerprintOf({ accessToken }: Pick<SealedToken, "accessToken">): string {
  return hash("sha256", accessToken, "base64url");
}
