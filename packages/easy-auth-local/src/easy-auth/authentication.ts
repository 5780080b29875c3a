import type http from "node:http";
import type { JWTPayload } from "jose";
import { LRUCache } from "lru-cache";
import type { AuthSettings } from "./auth-settings.ts";
import type { AuthorizationPolicy } from "./authorization-policy.ts";
import type { StoredTokens } from "./headers.ts";
import { sessionIdOf, sessionTokenOf } from "./session-cookie.ts";
import type { Sessions } from "./sessions.ts";
import type { Switches } from "./switches.ts";
import type { TokenCheck } from "./token-check.ts";

/** Refusal of a request: 401 without a valid credential, 403 for a user who may not; with rule, value and setting. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly reason: string;
}

/** User that a request comes from. */
export interface AuthenticatedUser {
  readonly claims: JWTPayload;
  readonly tokens: StoredTokens | undefined;
  /** True for a session by cookie, which a browser sends by itself. */
  readonly hasCookie: boolean;
}

/** Outcome of authentication: `undefined` without a credential. */
export type Authentication = AuthenticatedUser | Refusal | undefined;

export interface AuthenticationOptions {
  readonly settings: AuthSettings;
  readonly switches: Switches;
  readonly sessions: Sessions;
  readonly checkToken: TokenCheck;
  readonly policy: AuthorizationPolicy;
}

const USERS_REMEMBERED = 1000;

/** Makes the step that finds out who sends a request: by bearer token, session cookie, or session token (`X-ZUMO-AUTH`). */
export function createAuthentication({ settings, switches, sessions, checkToken, policy }: AuthenticationOptions) {
  const hasTokenStore = settings.login.tokenStore.enabled;
  const tokensFor = createBearerTokenHeaders(switches);

  async function byBearer({ headers }: http.IncomingMessage): Promise<Authentication> {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (bearer === undefined) return undefined;
    const { claims, reason } = await checkToken(bearer);
    if (!claims) return { status: 401, reason };
    const refusal = policy.refusalOfToken(claims);
    if (refusal !== undefined) return { status: 403, reason: refusal };
    return { claims, tokens: hasTokenStore ? tokensFor(bearer, claims) : undefined, hasCookie: false };
  }

  function bySession(id: string, hasCookie: boolean): Authentication {
    const session = sessions.find(id);
    if (!session) return undefined;
    const refusal = policy.refusalOfUser(session.claims);
    if (refusal !== undefined) return { status: 403, reason: refusal };
    return { claims: session.claims, tokens: hasTokenStore ? session : undefined, hasCookie };
  }

  return async (request: http.IncomingMessage): Promise<Authentication> => {
    const hasCookie = sessionTokenOf(request) === undefined;
    const found = bySession(sessionIdOf(request), hasCookie);
    const session = found ?? (hasCookie ? undefined : UNKNOWN_SESSION_TOKEN);
    if (switches.precedence === "session" && session) return session;
    return (await byBearer(request)) ?? session;
  };
}

const UNKNOWN_SESSION_TOKEN: Refusal = { status: 401, reason: "X-ZUMO-AUTH names no session" };

/** Makes the function that returns the token headers of a request with a bearer token, by the switch. */
function createBearerTokenHeaders({ bearerTokenHeaders }: Switches) {
  const first = new LRUCache<string, StoredTokens>({ max: USERS_REMEMBERED });
  return (bearer: string, claims: JWTPayload): StoredTokens | undefined => {
    if (bearerTokenHeaders === "none") return undefined;
    const accessTokenExpiresAt = Number(claims.exp) * 1000;
    const fresh = { idToken: undefined, accessToken: bearer, refreshToken: undefined, accessTokenExpiresAt };
    if (bearerTokenHeaders === "fresh") return fresh;
    const user = String(claims.oid ?? claims.sub);
    const stale = first.get(user) ?? fresh;
    first.set(user, stale);
    return stale;
  };
}
