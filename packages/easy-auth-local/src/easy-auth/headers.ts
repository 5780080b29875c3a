import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { JWTPayload } from "jose";

/** Tokens of a session, as Easy Auth's token store keeps them. */
export interface StoredTokens {
  /** ID token; undefined where a client brought an access token only. */
  readonly idToken: string | undefined;
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  /** Milliseconds since 1970. */
  readonly accessTokenExpiresAt: number;
}

const RESERVED = /^(x[-_]ms[-_](client[-_]principal|token[-_])|x-forwarded-|forwarded$|x-original-url$)/;

/** Claim names that Easy Auth writes in their long form; the others stay. */
const CLAIM_TYPES: ReadonlyMap<string, string> = new Map([
  ["tid", "http://schemas.microsoft.com/identity/claims/tenantid"],
  ["oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"],
  ["email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"],
  ["sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"],
  ["scp", "http://schemas.microsoft.com/identity/claims/scope"],
  ["upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"],
  ["amr", "http://schemas.microsoft.com/claims/authnmethodsreferences"],
  ["idp", "http://schemas.microsoft.com/identity/claims/identityprovider"],
]);

/** Headers about one connection (RFC 9110, 7.6.1), which a proxy does not pass on. */
const HOP_BY_HOP = ["keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"];

/**
 * Removes headers of this connection, and those that the client names in `Connection`. Must run before headers are
 * injected. `close` stays: the proxy answers it. So does `upgrade`, for a WebSocket. HTTP/1.0 closes unless asked not to.
 */
export function stripHopByHopHeaders({ headers, httpVersion }: Pick<IncomingMessage, "headers" | "httpVersion">): void {
  const named = (headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase());
  const isClosing = httpVersion === "1.0" && !named.includes("keep-alive");
  const kept = named.find((name) => name === "close" || name === "upgrade");
  headers.connection = kept ?? (isClosing ? "close" : "keep-alive");
  for (const name of [...named, ...HOP_BY_HOP]) {
    if (!KEPT_ALWAYS.has(name)) delete headers[name];
  }
}

const KEPT_ALWAYS = new Set(["host", "upgrade", "connection"]);

/** Removes headers that only the gate and the platform may set, so that nobody can claim to be someone else. */
export function stripReservedHeaders(headers: IncomingHttpHeaders): void {
  for (const name of Object.keys(headers)) {
    if (RESERVED.test(name)) delete headers[name];
  }
}

/**
 * Adds the headers that say who the user is, and those of the stored tokens. `Authorization` stays as the client sent it.
 */
export function injectUserHeaders(
  headers: IncomingHttpHeaders,
  claims: JWTPayload,
  tokens: StoredTokens | undefined,
): void {
  const principal = {
    auth_typ: "aad",
    claims: userClaims(claims),
    name_typ: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    role_typ: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
  };
  headers["x-ms-client-principal"] = Buffer.from(JSON.stringify(principal)).toString("base64");
  headers["x-ms-client-principal-id"] = String(claims.oid ?? claims.sub);
  headers["x-ms-client-principal-name"] = asHeader(principalName(claims));
  headers["x-ms-client-principal-idp"] = "aad";
  if (!tokens) return;
  if (tokens.idToken !== undefined) headers["x-ms-token-aad-id-token"] = tokens.idToken;
  headers["x-ms-token-aad-access-token"] = tokens.accessToken;
  headers["x-ms-token-aad-expires-on"] = expiresOn(tokens);
  if (tokens.refreshToken !== undefined) headers["x-ms-token-aad-refresh-token"] = tokens.refreshToken;
}

/** Returns claims as `{ typ, val }`; a claim of several values is repeated. */
export function userClaims(claims: JWTPayload): { typ: string; val: string }[] {
  return Object.entries(claims).flatMap(([name, value]) =>
    [value].flat().map((one) => ({
      typ: CLAIM_TYPES.get(name) ?? name,
      val: typeof one === "object" ? JSON.stringify(one) : String(one),
    })),
  );
}

/** Returns the user's sign-in name; version 1 tokens spell the claim otherwise, app-only tokens have none. */
export function principalName(claims: JWTPayload): string {
  return String(claims.preferred_username ?? claims.upn ?? claims.unique_name ?? claims.oid ?? claims.sub);
}

/** Encodes a name as the bytes of its UTF-8, since Node writes header values as Latin-1. */
function asHeader(value: string): string {
  return Buffer.from(value).toString("latin1");
}

/**
 * Writes headers beyond ASCII as Azure hands them to a function app: each byte of their UTF-8 as one character. So no
 * character is beyond U+00FF, with which the library could not make a request.
 *
 * Source: https://github.com/Azure/azure-functions-host/issues/9718
 */
export function encodeAsForFunctions(headers: IncomingHttpHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") headers[name] = asHeader(value);
  }
}

/** Returns the end of the access token in UTC with seven fractional digits, as `/.auth/me` writes it. */
export function expiresOn({ accessTokenExpiresAt }: StoredTokens): string {
  return new Date(accessTokenExpiresAt).toISOString().replace("Z", "0000Z");
}
