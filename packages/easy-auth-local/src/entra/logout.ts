import type { Directory } from "../directory/directory.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { parametersOf } from "./authorize-request.ts";
import type { BrowserSessions } from "./browser-sessions.ts";
import { isPostLogoutUri } from "./redirect-uris.ts";
import { notice } from "./sign-in-pages.ts";

/**
 * Makes the routes that sign the browser's user out:
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request The browser then goes
 * back to the app, with `state` (OpenID Connect RP-Initiated Logout, 3), if the address is one of an app.
 */
export function logoutRoutes(directory: Directory, sessions: BrowserSessions): Readonly<Record<string, RouteHandler>> {
  const logout = (request: RoutedRequest) => signedOut(request, directory, sessions.end(request));
  return { "GET /:tenant/oauth2/v2.0/logout": logout, "POST /:tenant/oauth2/v2.0/logout": logout };
}

function signedOut(request: RoutedRequest, { registrations }: Directory, cookie: string): Reply {
  const parameters = parametersOf(request);
  const target = parameters.get("post_logout_redirect_uri") ?? "";
  if (isPostLogoutUri(target, registrations)) {
    const location = new URL(target);
    const state = parameters.get("state");
    if (state !== null) location.searchParams.set("state", state);
    return { status: 302, headers: { location: state === null ? target : location.href, "set-cookie": cookie } };
  }
  const reply = notice("You are signed out", "It is a good idea to close all browser windows.");
  return { ...reply, headers: { ...reply.headers, "set-cookie": cookie } };
}
