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

/** Who a request comes from: a user; a caller who is nobody (401) or may not (403); or `undefined` without a credential. */
export type Caller =
  | { readonly claims: JWTPayload; readonly tokens: StoredTokens | undefined; readonly hasCookie: boolean }
  | { readonly status: 401 | 403 }
  | undefined;

export interface AuthenticationOptions {
  readonly settings: AuthSettings;
  readonly switches: Switches;
  readonly sessions: Sessions;
  readonly checkToken: TokenCheck;
  readonly policy: AuthorizationPolicy;
}

const USERS_REMEMBERED = 1000;

/** Makes the step that finds out who asks: by bearer token, session cookie, or the session token in `X-ZUMO-AUTH`. */
export function createAuthentication({ settings, switches, sessions, checkToken, policy }: AuthenticationOptions) {
  const hasTokenStore = settings.login.tokenStore.enabled;
  const tokensFor = createBearerTokenHeaders(switches);

  async function byBearer({ headers }: http.IncomingMessage): Promise<Caller> {
    const bearer = /^Bearer +(\S+)$/i.exec(headers.authorization ?? "")?.[1];
    if (bearer === undefined) return undefined;
    const claims = await checkToken(bearer);
    if (!claims) return { status: 401 };
    if (!policy.allowsToken(claims)) return { status: 403 };
    return { claims, tokens: hasTokenStore ? tokensFor(bearer, claims) : undefined, hasCookie: false };
  }

  function bySession(id: string, hasCookie: boolean): Caller {
    const session = sessions.find(id);
    if (!session) return undefined;
    if (!policy.allowsUser(session.claims)) return { status: 403 };
    return { claims: session.claims, tokens: hasTokenStore ? session : undefined, hasCookie };
  }

  return async (request: http.IncomingMessage): Promise<Caller> => {
    const hasCookie = sessionTokenOf(request) === undefined;
    const found = bySession(sessionIdOf(request), hasCookie);
    const session = found ?? (hasCookie ? undefined : { status: 401 as const });
    if (switches.precedence === "session" && session) return session;
    return (await byBearer(request)) ?? session;
  };
}

/** What a bearer call's token headers hold, which the switch decides. */
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
