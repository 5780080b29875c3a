import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { PendingSignIn, SignedIn } from "./sign-in.ts";

const KEPT = 10_000;
const SESSION_MS = 8 * 3600_000;
const SIGN_IN_MS = 5 * 60_000;

/** The gate's memory of browsers: who is signed in, and who is on the way. Cookies hold random ids, nothing else. */
export class Sessions {
  readonly #signedIn: LRUCache<string, SignedIn>;
  readonly #pending: LRUCache<string, PendingSignIn & { readonly browserId: string }>;

  constructor(now: () => number) {
    this.#signedIn = new LRUCache({ max: KEPT, ttl: SESSION_MS, perf: { now } });
    this.#pending = new LRUCache({ max: KEPT, ttl: SIGN_IN_MS, perf: { now } });
  }

  /** Begins a session and returns its id: 8 hours, as Easy Auth's default. */
  open(signedIn: SignedIn): string {
    const id = randomId();
    this.#signedIn.set(id, signedIn);
    return id;
  }

  find(id: string): SignedIn | undefined {
    return this.#signedIn.get(id);
  }

  /** Replaces the tokens of a session that still is; its end stays where it is. */
  update(id: string, signedIn: SignedIn): void {
    if (this.#signedIn.has(id)) this.#signedIn.set(id, signedIn, { ttl: this.#signedIn.getRemainingTTL(id) });
  }

  close(id: string): void {
    this.#signedIn.delete(id);
  }

  /** Keeps a sign-in on its way for 5 minutes, bound to the browser that began it. */
  begin(pending: PendingSignIn, browserId: string): void {
    this.#pending.set(pending.state, { ...pending, browserId });
  }

  /** The sign-in that a callback's `state` belongs to, once, and only for the browser that began it. */
  end(state: string, browserId: string): PendingSignIn | undefined {
    const pending = this.#pending.get(state);
    if (pending?.browserId !== browserId) return undefined;
    this.#pending.delete(state);
    return pending;
  }
}

export function randomId(): string {
  return randomBytes(32).toString("base64url");
}
