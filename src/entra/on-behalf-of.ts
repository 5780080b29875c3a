import { hash } from "node:crypto";
import type { AuthenticationResult, ConfidentialClientApplication } from "@azure/msal-node";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import type { SharedCache, VerifiedBinding } from "shared-token-cache";
import { AppError, type ErrorCode } from "../errors.ts";
import { untilAborted } from "../outgoing/deadline.ts";
import { resourceOf } from "../scopes.ts";
import { countExchange, countLookup, OK, observeExchanges, outcomeOf, withSpan } from "../telemetry/telemetry.ts";
import type { SignInLinks, VerifiedUser } from "../user.ts";
import { exchangeFailure } from "./exchange-failure.ts";
import { retriedOnce, TokenEndpointError } from "./msal-network.ts";
import { Pauses } from "./pauses.ts";
import { RefusedTokens } from "./refused-tokens.ts";
import { type CachedToken, EXPIRY_MARGIN_SECONDS, endOfUse, type TokenCache } from "./token-cache.ts";

/** The assertion and scopes that a token belongs to. */
export interface Grant {
  /** The user's access token for this API. */
  readonly assertion: string;
  /** The user that the verified assertion names. */
  readonly user: VerifiedUser;
  readonly scopes: readonly string[];
}

export interface Exchange extends Grant {
  /** Sent to Entra as `client-request-id`. */
  readonly correlationId: string;
  /** JSON of a resource's claims challenge, which rules out the cached token and a remembered failure. */
  readonly claims?: string | undefined;
  /** Ends the wait of this request. The exchange goes on for other requests and, once begun, for the cache. */
  readonly signal: AbortSignal;
}

export interface OnBehalfOfOptions {
  readonly client: Pick<ConfidentialClientApplication, "acquireTokenOnBehalfOf" | "clearCache">;
  /** Client id, for the address of its consent. */
  readonly clientId: string;
  /** Origin of the authority, for example `https://login.microsoftonline.com`. */
  readonly authorityOrigin: string;
  readonly cache: TokenCache;
  /** Cache that all instances share, once it is open. */
  readonly shared?: () => SharedCache | undefined;
  /** Maximum of exchanges at a time; ten times as many may wait for their turn. */
  readonly concurrency: number;
  readonly now?: () => number;
}

/** An exchange that runs or waits for its turn, with the number of requests that wait for it. */
interface Flight {
  readonly token: Promise<CachedToken>;
  waiting: number;
}

const WAITING_PER_TURN = 10;
const FAILURES_KEPT = 10_000;
const FAILURE_MS = 5000;

/** Failures of one user that do not go away within seconds. */
const REMEMBERED: ReadonlySet<ErrorCode> = new Set([
  "claims_challenge",
  "consent_required",
  "blocked_by_policy",
  "user_not_assigned",
  "token_expired",
  "token_rejected",
]);

/**
 * The on-behalf-of exchange (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow), cached, made
 * once for all requests that wait for the same token, bounded in number and time. MSAL makes it without its own cache, whose
 * hits scan all users and which evicts nothing: docs/performance.md.
 */
export class OnBehalfOf {
  readonly #options: OnBehalfOfOptions;
  readonly #cache: TokenCache;
  readonly #now: () => number;
  readonly #inFlight = new Map<string, Flight>();
  readonly #failures: LRUCache<string, AppError>;
  readonly #turns: ReturnType<typeof pLimit>;
  readonly #pauses: Pauses;
  readonly #refused: RefusedTokens;

  constructor(options: OnBehalfOfOptions) {
    this.#options = options;
    this.#cache = options.cache;
    this.#now = options.now ?? Date.now;
    this.#failures = new LRUCache({ max: FAILURES_KEPT, ttl: FAILURE_MS, ttlResolution: 0, perf: { now: this.#now } });
    this.#pauses = new Pauses(this.#now);
    this.#refused = new RefusedTokens(this.#now);
    this.#turns = pLimit(options.concurrency);
    observeExchanges(() => ({ running: this.#turns.activeCount, waiting: this.#turns.pendingCount }));
  }

  /**
   * Returns the cached token and the verified user of its assertion; undefined without one, or when it was refused and may be
   * renewed. Makes no exchange.
   */
  find(assertion: string, scopes: readonly string[]): CachedToken | undefined {
    const key = this.#cache.keyOf(assertion, scopes);
    const found = this.#cache.get(key);
    if (!found || (this.#refused.has(key, found.accessToken) && this.#refused.mayRenew(key))) return undefined;
    countLookup("hit");
    return found;
  }

  /**
   * Returns the user with an access token for the scopes' resource. Does not verify the assertion: see `verify.ts`.
   *
   * @throws AppError as `exchange-failure.ts` says; `overloaded` when too many wait already
   */
  async exchange(exchange: Exchange): Promise<CachedToken> {
    const key = this.#cache.keyOf(exchange.assertion, exchange.scopes);
    const name = exchange.claims === undefined ? key : `${key} ${hash("sha256", exchange.claims)}`;
    const cached = this.#cachedFor(exchange, key, name);
    countLookup(cached ? "hit" : "miss");
    if (cached) return cached;
    return withSpan({ name: "exchange" }, async () => {
      const flight = this.#inFlight.get(name) ?? this.#begin(name, key, exchange);
      flight.waiting += 1;
      return untilAborted(flight.token, exchange.signal, tooLate).finally(() => {
        flight.waiting -= 1;
      });
    });
  }

  /**
   * Notes that the resource refused a token, unless a newer one is there. The next request makes a new exchange, but not again
   * within a minute when that did not help.
   */
  forget(grant: Grant, accessToken: string): void {
    const key = this.#cache.keyOf(grant.assertion, grant.scopes);
    const cached = this.#cache.get(key);
    if (cached && cached.accessToken !== accessToken) return;
    if (cached) this.#refused.add(key, accessToken);
    this.#options.shared?.()?.forget(this.#bindingOf(grant), accessToken);
  }

  /** Number of exchanges that run or wait for their turn. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Returns the addresses of the user's tenant at the authority. Source:
   * https://learn.microsoft.com/entra/identity-platform/v2-admin-consent
   */
  linksFor({ tenantId }: VerifiedUser): SignInLinks {
    const { authorityOrigin, clientId } = this.#options;
    return {
      authorizationUri: `${authorityOrigin}/${tenantId}/oauth2/v2.0/authorize`,
      adminConsentUrl: `${authorityOrigin}/${tenantId}/adminconsent?client_id=${clientId}`,
    };
  }

  /**
   * Returns the cached token; undefined when an exchange may bring a better one: it was refused and may be renewed, or claims
   * ask for more. Throws `claims_challenge` when a renewal with these claims did not help.
   */
  #cachedFor({ claims, user }: Exchange, key: string, name: string): CachedToken | undefined {
    const cached = this.#cache.get(key);
    if (!cached || !this.#refused.has(key)) return claims === undefined ? cached : undefined;
    if (!this.#refused.has(key, cached.accessToken)) return cached;
    if (this.#refused.mayRenew(key, claims) || this.#inFlight.has(name) || this.#failures.has(name)) return undefined;
    if (claims === undefined) return cached;
    const { authorizationUri } = this.linksFor(user);
    const hint = "The resource refused the renewed token too, a moment ago.";
    throw new AppError("claims_challenge", { hint, claims, authorizationUri });
  }

  #begin(name: string, key: string, exchange: Exchange): Flight {
    const failure = this.#failures.get(name);
    if (failure) return { token: Promise.reject(failure), waiting: 0 };
    // Before the first await, so that requests at once renew no more often than one after the other.
    this.#refused.addRenewal(key, exchange.claims);
    const token = this.#obtain(name, key, exchange, () => flight.waiting > 0).catch((error) => {
      if (!isRemembered(error)) this.#refused.removeRenewal(key, exchange.claims);
      throw error;
    });
    const flight: Flight = { token: token.finally(() => this.#inFlight.delete(name)), waiting: 0 };
    this.#inFlight.set(name, flight);
    return flight;
  }

  /** Takes the token that another instance acquired, or acquires one when it has its turn. */
  async #obtain(name: string, key: string, exchange: Exchange, isAwaited: () => boolean): Promise<CachedToken> {
    const shared = this.#options.shared?.();
    const found = exchange.claims === undefined ? await shared?.find(this.#bindingOf(exchange)) : undefined;
    if (found) {
      this.#refused.removeRenewal(key);
      const token = { user: exchange.user, accessToken: found.accessToken };
      this.#cache.set(key, token, (found.end + EXPIRY_MARGIN_SECONDS) * 1000);
      return token;
    }
    this.#refuseDuringPause(exchange);
    this.#refuseOverload();
    return this.#turns(() => {
      if (isAwaited()) return this.#acquire(name, key, exchange);
      throw new AppError("identity_unavailable", { hint: "When the exchange had its turn, nobody waited any more." });
    });
  }

  #bindingOf({ assertion, user, scopes }: Grant): VerifiedBinding {
    const { authorityOrigin, clientId } = this.#options;
    return { assertion, authorityOrigin, tenantId: user.tenantId, clientId, scopes, assertionEnd: user.expiresAt };
  }

  /** Throws while the user has to wait, after a 429 of Entra. Requests with a cached token need not wait. */
  #refuseDuringPause({ user }: Exchange): void {
    const retryAfterSeconds = this.#pauses.secondsLeft(user);
    if (retryAfterSeconds > 0) throw new AppError("throttled", { hint: "Entra asked to wait.", retryAfterSeconds });
  }

  #refuseOverload(): void {
    if (this.#turns.pendingCount < this.#options.concurrency * WAITING_PER_TURN) return;
    throw new AppError("overloaded", { hint: "Too many exchanges wait for their turn.", retryAfterSeconds: 1 });
  }

  async #acquire(name: string, key: string, exchange: Exchange): Promise<CachedToken> {
    this.#refuseDuringPause(exchange);
    const { user } = exchange;
    try {
      const { accessToken, expiresOn } = await retriedOnce(() => this.#ask(exchange));
      const token = { user, accessToken };
      const expiresAt = expiresOn?.getTime() ?? 0;
      this.#cache.set(key, token, expiresAt);
      this.#options.shared?.()?.keep(this.#bindingOf(exchange), { accessToken, end: endOfUse(expiresAt, user) });
      countExchange(OK);
      return token;
    } catch (error) {
      const failure = exchangeFailure(error, this.linksFor(user), exchange.scopes.map(resourceOf)[0]);
      countExchange(outcomeOf(failure));
      if (error instanceof TokenEndpointError && error.status === 429)
        this.#pauses.begin(user, error.retryAfterSeconds);
      // Throttled without a 429: the same exchange was repeated too often (AADSTS50196), and another would prolong that.
      else if (isRemembered(failure, "throttled")) this.#failures.set(name, failure);
      throw failure;
    }
  }

  async #ask({ assertion, user, scopes, correlationId, claims }: Exchange): Promise<AuthenticationResult> {
    const { client, authorityOrigin } = this.#options;
    const request = {
      oboAssertion: assertion,
      scopes: [...scopes],
      authority: `${authorityOrigin}/${user.tenantId}`,
      correlationId,
      skipCache: true,
      ...(claims !== undefined && { claims }),
    };
    try {
      const result = await client.acquireTokenOnBehalfOf(request);
      if (result?.accessToken) return result;
    } finally {
      // MSAL stores what it acquires even when told to skip its cache; nothing of it may stay.
      client.clearCache();
    }
    throw new AppError("identity_unavailable", { hint: "Entra answered without an access token." });
  }
}

function isRemembered(failure: unknown, also?: ErrorCode): failure is AppError {
  return failure instanceof AppError && (REMEMBERED.has(failure.code) || failure.code === also);
}

function tooLate(): AppError {
  return new AppError("identity_unavailable", { hint: "The exchange took longer than the request may." });
}
