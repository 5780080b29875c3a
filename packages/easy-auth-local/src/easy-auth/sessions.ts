import { randomBytes } from "node:crypto";
import { LRUCache } from "lru-cache";
import { parseTimeSpan } from "../clock/time-span.ts";
import type { AuthSettings } from "./auth-settings.ts";
import type { PendingSignIn, SignedIn } from "./sign-in.ts";

const KEPT = 10_000;
const HOUR_MS = 3600_000;
const CLOCK = { perf: { now: () => Date.now() }, ttlResolution: 0 };

/** Store of sessions and of sign-ins that have begun. Cookies hold random ids, nothing else. */
export class Sessions {
  readonly #signedIn: LRUCache<string, { readonly signedIn: SignedIn; readonly endsAt: number }>;
  readonly #pending: LRUCache<string, PendingSignIn & { readonly browserId: string }>;
  readonly #graceMs: number;
  readonly #endOf: (signedIn: SignedIn) => number;
  /** Milliseconds that a sign-in may take. */
  readonly signInMs: number;

  /** Sessions last as `login` says: 8 hours, refreshable for 72 more; a sign-in may take 5 minutes. */
  constructor({ cookieExpiration, nonce, tokenStore }: AuthSettings["login"]) {
    const sessionMs = parseTimeSpan(cookieExpiration?.timeToExpiration ?? "08:00:00");
    this.signInMs = parseTimeSpan(nonce?.nonceExpirationInterval ?? "00:05:00");
    this.#graceMs = (tokenStore.tokenRefreshExtensionHours ?? 72) * HOUR_MS;
    const isDerived = cookieExpiration?.convention === "IdentityProviderDerived";
    this.#endOf = (signedIn) => (isDerived ? signedIn.accessTokenExpiresAt : Date.now() + sessionMs);
    this.#signedIn = new LRUCache({ max: KEPT, ...CLOCK });
    this.#pending = new LRUCache({ max: KEPT, ttl: this.signInMs, ...CLOCK });
  }

  /** Begins a session and returns its id. Beyond 10,000, the one that was used longest ago ends. */
  open(signedIn: SignedIn): string {
    const id = randomId();
    this.#keep(id, signedIn);
    return id;
  }

  find(id: string): SignedIn | undefined {
    const session = this.#signedIn.get(id);
    return session && Date.now() < session.endsAt ? session.signedIn : undefined;
  }

  /** Finds a session that has not ended, or can still be refreshed. */
  findRefreshable(id: string): SignedIn | undefined {
    return this.#signedIn.get(id)?.signedIn;
  }

  /** Restarts the session's time with new tokens, unless the session was closed meanwhile. */
  renew(id: string, signedIn: SignedIn): void {
    if (this.#signedIn.has(id)) this.#keep(id, signedIn);
  }

  close(id: string): void {
    this.#signedIn.delete(id);
  }

  /** Keeps a sign-in that has begun, bound to its browser. */
  begin(pending: PendingSignIn, browserId: string): void {
    this.#pending.set(pending.state, { ...pending, browserId });
  }

  /** Returns the sign-in that a callback's `state` belongs to, once, and only for the browser that began it. */
  end(state: string, browserId: string): PendingSignIn | undefined {
    const pending = this.#pending.get(state);
    if (pending?.browserId !== browserId) return undefined;
    this.#pending.delete(state);
    return pending;
  }

  #keep(id: string, signedIn: SignedIn): void {
    const endsAt = this.#endOf(signedIn);
    this.#signedIn.set(id, { signedIn, endsAt }, { ttl: Math.max(1, endsAt - Date.now() + this.#graceMs) });
  }
}

export function randomId(): string {
  return randomBytes(32).toString("base64url");
}
