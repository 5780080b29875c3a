import type { IncomingMessage, ServerResponse } from "node:http";
import { isPublicHttps, publicHosts } from "./public-address.ts";

const SECURITY_HEADERS = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** Sets the headers that every answer carries. */
export function setSecurityHeaders(request: IncomingMessage, response: ServerResponse): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  response.setHeader("content-security-policy", contentSecurityPolicy(publicHosts(request)));
  // Over plain http browsers ignore it (RFC 6797, section 8.1).
  if (isPublicHttps(request)) response.setHeader("strict-transport-security", "max-age=31536000");
}

/**
 * Makes the policy. Scripts may ask for what the page needs and for nothing else of this origin: `/.auth/me`, where Easy
 * Auth shows every token of the session, stays out of their reach. A path needs a host, so without one the policy falls
 * back to 'self'.
 */
function contentSecurityPolicy(hosts: readonly string[]): string {
  const own = (...paths: string[]): string =>
    hosts.flatMap((host) => paths.map((path) => host + path)).join(" ") || "'self'";
  return [
    "default-src 'none'",
    `script-src ${own("/assets/")}`,
    `style-src ${own("/assets/")}`,
    `img-src ${own("/assets/")} blob:`,
    `connect-src ${own("/api/", "/session", "/.auth/refresh")}`,
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}
