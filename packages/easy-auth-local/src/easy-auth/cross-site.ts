import type http from "node:http";

/**
 * Applies Easy Auth's rule against cross-site request forgery: a POST by a browser with a session's cookie must name an
 * origin that is this site's own, that redirects may lead to (by `Origin`, or without one by `Referer`), or that CORS
 * allows.
 * https://learn.microsoft.com/azure/app-service/overview-authentication-authorization#considerations-when-using-built-in-authentication
 * The page does not say that the site's own origin counts; forms could not be posted otherwise.
 */
export function isForgeable(
  { method, headers }: http.IncomingMessage,
  ownOrigin: string,
  redirectUrls: readonly string[],
  corsOrigins: readonly string[],
): boolean {
  if (method !== "POST" || !isBrowser(headers)) return false;
  const source = headers.origin ?? originOf(headers.referer ?? "");
  if (source === undefined) return true;
  return ![ownOrigin, ...redirectUrls.map(originOf)].includes(source) && !corsOrigins.includes(headers.origin ?? "");
}

/** Tells a browser by its name: programs are answered 401 where browsers are sent to sign in. */
export function isBrowser({ "user-agent": userAgent }: http.IncomingHttpHeaders): boolean {
  return userAgent?.startsWith("Mozilla/") ?? false;
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined;
}
