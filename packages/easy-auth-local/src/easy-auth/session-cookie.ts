import { randomBytes } from "node:crypto";
import type http from "node:http";
import { clearCookie, cookieOf, setCookie } from "./cookies.ts";

const NAME = "AppServiceAuthSession";
/** Maximum of characters of one cookie's value. Browsers keep 4,096 of a cookie, its name and attributes included. */
const CHUNK = 3900;
const CHUNK_NAME = /^AppServiceAuthSession\d*$/;

/**
 * Returns the session's cookies: `AppServiceAuthSession`, and when one is too small `AppServiceAuthSession1` and so on. They hold
 * the session's id and nothing of the user. Easy Auth seals the user's claims into them; ours are filled up with noise to
 * about the same length, so that many claims make the same large headers. Cookies that a longer session before left in
 * the browser are removed.
 */
export function sessionCookies(
  id: string,
  claims: Readonly<Record<string, unknown>>,
  { headers }: Pick<http.IncomingMessage, "headers">,
): string[] {
  const sealedBytes = Buffer.byteLength(JSON.stringify(claims));
  const value = `${id}.${randomBytes(sealedBytes).toString("base64url")}`;
  const chunks = value.match(new RegExp(`.{1,${CHUNK}}`, "g")) ?? [];
  const cookies = new Map(chunks.map((chunk, index) => [index === 0 ? NAME : `${NAME}${index}`, chunk]));
  const old = sentCookies(headers).filter((name) => !cookies.has(name));
  return [...[...cookies].map(([name, chunk]) => setCookie(name, chunk)), ...old.map(clearCookie)];
}

/** Returns the session token of a client that has no cookies: `X-ZUMO-AUTH`. */
export function sessionTokenOf({ headers }: http.IncomingMessage): string | undefined {
  const token = headers["x-zumo-auth"];
  return typeof token === "string" ? token : undefined;
}

/** Returns the id of the session that the request names, by its session token or else its cookie; empty without one. */
export function sessionIdOf(request: http.IncomingMessage): string {
  return sessionTokenOf(request) ?? cookieOf(request, NAME).replace(/\..*/, "");
}

/** Returns cookies that remove the session's: the first always, the others if the browser sent them. */
export function clearSessionCookies({ headers }: http.IncomingMessage): string[] {
  return [...new Set([NAME, ...sentCookies(headers)])].map(clearCookie);
}

/** Returns the names of the session's cookies that the browser sent. */
function sentCookies({ cookie = "" }: http.IncomingHttpHeaders): string[] {
  return cookie
    .split(";")
    .map((pair) => pair.trim().replace(/=.*/s, ""))
    .filter((name) => CHUNK_NAME.test(name));
}
