import { json } from "../http/router.ts";
import type { AuthRoutesOptions, Route } from "./auth-route.ts";
import { expiresOn, principalName, userClaims } from "./headers.ts";
import { text } from "./pages.ts";
import { sessionIdOf } from "./session-cookie.ts";

/** `/.auth/me`: everything the session holds, tokens included, as an array: one entry for the one provider. */
export function createMe({
  sessions,
  settings,
  switches,
}: Pick<AuthRoutesOptions, "sessions" | "settings" | "switches">): Route {
  return ({ message }) => {
    if (!settings.login.tokenStore.enabled) return text(Number(switches.meWithoutTokenStore), "");
    const session = sessions.find(sessionIdOf(message));
    if (!session) return switches.meUnauthenticated === "401" ? text(401, "") : json(200, []);
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

/** `/.auth/refresh`. A bearer token is not enough: what is refreshed is a session, also one that ended a while ago. */
export function createRefresh({
  sessions,
  signIn,
  settings,
  onError,
}: Pick<AuthRoutesOptions, "sessions" | "signIn" | "settings" | "onError">): Route {
  return async ({ message }) => {
    const id = sessionIdOf(message);
    const session = sessions.findRefreshable(id);
    if (!session) return text(401, "");
    if (!signIn || !settings.login.tokenStore.enabled || session.refreshToken === undefined)
      return text(403, "The session holds no refresh token: is the token store on, and offline_access asked for?");
    try {
      sessions.renew(id, await signIn.refresh(session));
      return text(200, "");
    } catch (error) {
      onError("refresh", error);
      return text(403, "The refresh token is no longer accepted.");
    }
  };
}
