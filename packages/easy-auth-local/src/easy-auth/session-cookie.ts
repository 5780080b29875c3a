import { randomBytes } from "node:crypto";
import type http from "node:http";
import { clearCookie, cookieOf, setCookie } from "./cookies.ts";

const NAME = "AppServiceAuthSession";
/** Characters. Browsers keep 4,096 of a cookie, its name and attributes included. */
const CHUNK = 3900;
const CHUNK_NAME = /^AppServiceAuthSession\d*$/;

/**
 * The session's cookies: `AppServiceAuthSession`, and when one is too small `AppServiceAuthSession1` and so on. They hold
 * the session's id and nothing of the user. Easy Auth seals the user's claims into them; ours are filled up with noise to
 * about the same length, so that many claims make the same large headers.
 */
export function sessionCookies(id: string, claims: Readonly<Record<string, unknown>>): string[] {
  const sealedBytes = Buffer.byteLength(JSON.stringify(claims));
  const value = `${id}.${randomBytes(sealedBytes).toString("base64url")}`;
  const chunks = value.match(new RegExp(`.{1,${CHUNK}}`, "g")) ?? [];
  return chunks.map((chunk, index) => setCookie(index === 0 ? NAME : `${NAME}${index}`, chunk));
}

/** The session token of a client that has no cookies: `X-ZUMO-AUTH`. */
export function sessionTokenOf({ headers }: http.IncomingMessage): string | undefined {
  const token = headers["x-zumo-auth"];
  return typeof token === "string" ? token : undefined;
}

/** The id of the session that the request names, by its session token or else its cookie; empty when there is none. */
export function sessionIdOf(request: http.IncomingMessage): string {
  return sessionTokenOf(request) ?? cookieOf(request, NAME).replace(/\..*/, "");
}

/** Removes all of the session's cookies that the browser sent, and the first in any case. */
export function clearSessionCookies({ headers }: http.IncomingMessage): string[] {
  const sent = (headers.cookie ?? "").split(";").map((pair) => pair.trim().replace(/=.*/s, ""));
  return [...new Set([NAME, ...sent.filter((name) => CHUNK_NAME.test(name))])].map(clearCookie);
}
