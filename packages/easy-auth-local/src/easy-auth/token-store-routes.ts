import { json } from "../http/router.ts";
import type { AuthRoutesOptions, GateReply, Route } from "./auth-route.ts";
import { expiresOn, principalName, userClaims } from "./headers.ts";
import { text } from "./pages.ts";
import { sessionIdOf } from "./session-cookie.ts";

const NO_STORE = "login.tokenStore.enabled is false";
const NO_SESSION = "the request names no session: no cookie of a session that lasts, and no X-ZUMO-AUTH";

function refused(reason: string): GateReply {
  return { ...text(403, reason), reason };
}

/** Makes `/.auth/me`: everything the session holds, tokens included, as an array: one entry for the one provider. */
export function createMe({
  sessions,
  settings,
  switches,
  platform,
}: Pick<AuthRoutesOptions, "sessions" | "settings" | "switches" | "platform">): Route {
  const withoutStore = platform === "container-apps" ? 404 : Number(switches.meWithoutTokenStore);
  return ({ message }) => {
    if (!settings.login.tokenStore.enabled) return { ...text(withoutStore, ""), reason: NO_STORE };
    const session = sessions.find(sessionIdOf(message));
    if (!session)
      return switches.meUnauthenticated === "401" ? { ...text(401, ""), reason: NO_SESSION } : json(200, []);
    const entry = {
      access_token: session.accessToken,
      expires_on: expiresOn(session),
      id_token: session.idToken,
      provider_name: "aad",
      refresh_token: session.refreshToken,
      user_claims: userClaims(session.claims),
      user_id: principalName(session.claims),
    };
    return json(200, [entry]);
  };
}

/** Makes `/.auth/refresh`, which renews a session, also one that ended a while ago. A bearer token is not enough. */
export function createRefresh({
  sessions,
  signIn,
  settings,
  onError,
}: Pick<AuthRoutesOptions, "sessions" | "signIn" | "settings" | "onError">): Route {
  return async ({ message }) => {
    const id = sessionIdOf(message);
    const session = sessions.findRefreshable(id);
    if (!session) return { ...text(401, ""), reason: NO_SESSION };
    if (!signIn || !settings.login.tokenStore.enabled || session.refreshToken === undefined)
      return refused("The session holds no refresh token: is the token store on, and offline_access asked for?");
    try {
      sessions.renew(id, await signIn.refresh(session));
      return text(200, "");
    } catch (error) {
      onError("refresh", error);
      return refused("The refresh token is no longer accepted.");
    }
  };
}
