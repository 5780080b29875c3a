import { type RedirectUris, type Registration, redirectPlatformOf } from "../directory/registration.ts";
import { entraError } from "./errors.ts";

/** The kind of client that a redirect URI is registered for. */
export type RedirectKind = keyof RedirectUris;

/** Returns the kind of an app's redirect URI. Throws EntraError, which names the URI, when it is not registered. */
export function redirectKindOf(app: Registration, redirectUri: string): RedirectKind {
  const kind = redirectPlatformOf(app, redirectUri);
  if (kind !== undefined) return kind;
  const registered =
    Object.values(app.redirectUris ?? {})
      .flat()
      .join(", ") || "none";
  const text = `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${app.clientId}': ${registered}.`;
  throw entraError(50011, "invalid_request", text);
}

/** Whether a browser may be sent to an address after signing out: one of an app, or on this machine. */
export function isPostLogoutUri(uri: string, apps: readonly Registration[]): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  const isLocal = /^https?:$/.test(protocol) && hostname === "localhost";
  return isLocal || apps.some((app) => redirectPlatformOf(app, uri) !== undefined);
}
