import { decodeJwt } from "jose";
import type { SeenToken } from "./hop.ts";

const HIDDEN = "(not shown)";
const MAX_VALUE = 300;

/** Form of the names of parameters that may be secret. */
const SECRET_NAME = /code|state|nonce|ticket|token|secret|password|assertion|key|sig|session|cookie/i;
/** Form of a JWT. */
const JWT = /eyJ[\w-]+(\.[\w-]*)*/g;

/** Returns text that is safe to show: without JWTs, and shortened. */
export function safeText(text: string, maxLength = MAX_VALUE): string {
  const safe = text.replaceAll(JWT, HIDDEN);
  return safe.length > maxLength ? `${safe.slice(0, maxLength)}…` : safe;
}

/** Returns path and query without secrets. */
export function safePath(target: string): string {
  const [path = "", ...query] = target.split("?");
  const parameters = new URLSearchParams(query.join("?"));
  const shown = [...parameters].map(([name, value]) => `${name}=${safeValue(name, value)}`).join("&");
  return safeText(path) + (shown === "" ? "" : `?${safeText(shown)}`);
}

function safeValue(name: string, value: string): string {
  return SECRET_NAME.test(name) ? HIDDEN : safeText(value);
}

/** Reads the claims of a token. Does not verify it: the station that accepted it did. */
export function seeToken(where: string, token: string): SeenToken {
  try {
    return { where, claims: decodeJwt(token) };
  } catch {
    return { where, claims: undefined };
  }
}
