import { API, AUTHORITY_ORIGIN, FRONTEND, GRAPH_ORIGIN, TENANT_ID } from "easy-auth-local";

/*
 * Tokens as long as Entra's: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference lists the
 * claims; the filler stands for those that only Microsoft reads (aio, rh, xms_…).
 */

export const GRAPH_SCOPES: readonly string[] = [`${GRAPH_ORIGIN}/.default`];

const ASSERTION_LENGTH = 1342;
const GRAPH_TOKEN_LENGTH = 2679;
const ID_TOKEN_LENGTH = 1069;
const REFRESH_TOKEN_LENGTH = 1200;
const SIGNATURE = "s".repeat(342); // 2,048 bits
const HEADER = encodeText(JSON.stringify({ alg: "RS256", typ: "JWT", kid: "00000000-0000-4000-8000-000000000000" }));
const LIFETIME_SECONDS = 3600;

const issuedAt = Math.floor(Date.now() / 1000);

/** Expiry of all these tokens, in seconds since 1970. */
export const TOKENS_END_AT = issuedAt + LIFETIME_SECONDS;

type Claims = Readonly<Record<string, string | number>>;

const SIGN_IN = {
  iss: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
  iat: issuedAt,
  nbf: issuedAt,
  exp: TOKENS_END_AT,
  tid: TENANT_ID,
  ver: "2.0",
};
const FIRST_USER = objectIdOf(0);
const PERSON = {
  name: "Adele Vance",
  oid: FIRST_USER,
  preferred_username: `${FIRST_USER}@contoso.example`,
  sub: FIRST_USER,
};
const API_CLAIMS = {
  ...SIGN_IN,
  ...PERSON,
  aud: API.clientId,
  azp: FRONTEND.clientId,
  azpacr: "1",
  scp: "user_impersonation",
};
const ASSERTION_PAYLOAD = filledUp(API_CLAIMS, ASSERTION_LENGTH);
const ID_TOKEN_PAYLOAD = filledUp({ ...SIGN_IN, ...PERSON, aud: API.clientId }, ID_TOKEN_LENGTH);
const GRAPH_CLAIMS = { ...SIGN_IN, ...PERSON, aud: GRAPH_ORIGIN, appid: API.clientId, scp: "User.Read" };
const GRAPH_TOKEN = Buffer.from(`${HEADER}.${encodeText(filledUp(GRAPH_CLAIMS, GRAPH_TOKEN_LENGTH))}.${SIGNATURE}`);
const REFRESH_TOKEN = Buffer.alloc(REFRESH_TOKEN_LENGTH, "r");

/** Returns the object id of a made-up user. */
export function objectIdOf(user: number): string {
  return `00000000-0000-4000-8000-${user.toString(16).padStart(12, "0")}`;
}

/** Returns the claims of a user's access token for the API; signed, they pass its verification. */
export function assertionClaims(user: number): Claims {
  return JSON.parse(ASSERTION_PAYLOAD.replaceAll(FIRST_USER, objectIdOf(user)));
}

/** Returns a user's access token for the API with an invalid signature. */
export function unsignedAssertion(user: number): string {
  return unsigned(ASSERTION_PAYLOAD, objectIdOf(user));
}

/** Returns an `Authorization` header value as a fresh string, as a request brings it. */
export function authorizationOf(assertion: string): string {
  return fresh(`Bearer ${assertion}`);
}

/** Returns an access token for Graph as a fresh string, as Entra's answer brings it. Its claims are always the first user's. */
export function graphToken(user: number): string {
  GRAPH_TOKEN.write(String(user).padStart(12, "0"), GRAPH_TOKEN.length - 12, "latin1");
  return GRAPH_TOKEN.toString("latin1");
}

/** Returns Entra's answer to an exchange: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow */
export function tokenAnswer(assertion: string): Claims {
  const { oid } = JSON.parse(Buffer.from(assertion.split(".")[1] ?? "", "base64url").toString()) as { oid: string };
  return {
    token_type: "Bearer",
    // MSAL finds its cached token only when the answer spells the scopes as the request did.
    scope: GRAPH_SCOPES.join(" "),
    expires_in: LIFETIME_SECONDS,
    ext_expires_in: LIFETIME_SECONDS,
    access_token: graphToken(Number.parseInt(oid.slice(-12), 16)),
    refresh_token: REFRESH_TOKEN.toString("latin1"),
    id_token: unsigned(ID_TOKEN_PAYLOAD, oid),
    client_info: encodeText(JSON.stringify({ uid: oid, utid: TENANT_ID })),
  };
}

/** Returns the claims as JSON, filled up so that they make a token of this length. */
function filledUp(claims: Claims, tokenLength: number): string {
  const payloadLength = tokenLength - HEADER.length - SIGNATURE.length - 2;
  const missing = Math.floor((payloadLength * 3) / 4) - JSON.stringify({ ...claims, aio: "" }).length;
  return JSON.stringify({ ...claims, aio: "a".repeat(missing) });
}

function unsigned(payload: string, objectId: string): string {
  return fresh(`${HEADER}.${encodeText(payload.replaceAll(FIRST_USER, objectId))}.${SIGNATURE}`);
}

function encodeText(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** Copies a string into memory of its own; a concatenated string would share its parts' memory. */
function fresh(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
