import type http from "node:http";

/** Returns the value of a cookie; empty when there is none. */
export function cookieOf({ headers }: Pick<http.IncomingMessage, "headers">, name: string): string {
  for (const pair of headers.cookie?.split(";") ?? []) {
    const [key = "", ...value] = pair.trim().split("=");
    if (key === name) return value.join("=");
  }
  return "";
}

/** Formats a cookie. Easy Auth's `Secure` and `SameSite=None` need https; on http://localhost `Lax` does the same. */
export function setCookie(name: string, value: string, maxAgeSeconds?: number): string {
  const age = maxAgeSeconds === undefined ? "" : `; Max-Age=${maxAgeSeconds}`;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${age}`;
}

export function clearCookie(name: string): string {
  return `${name}=deleted; Path=/; HttpOnly; SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT`;
}
