import { AppError } from "../errors.ts";

/** Easy Auth puts the access token of a browser session here; requests from outside cannot set it while it is on. */
export const ACCESS_TOKEN_HEADER = "x-ms-token-aad-access-token";

/** Characters. Entra moves group claims out of a token long before this. Nothing longer is looked at, hashed or verified. */
const MAX_ASSERTION_LENGTH = 16_384;

/** https://www.rfc-editor.org/rfc/rfc6750#section-2.1: the scheme, spaces, and one `b64token`. */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Takes the user's access token from the request: `Authorization: Bearer` first, since Easy Auth leaves that header as
 * the caller sent it, else the header Easy Auth fills from the session. From here on it is the assertion.
 * Does not verify it: see `entra/verify.ts`. The ID token header is never read, an ID token is no assertion.
 *
 * @throws AppError `not_signed_in` without a token, `token_rejected` with something that cannot be one.
 */
export function assertionFrom(headers: Headers): string {
  const authorization = headers.get("authorization") ?? "";
  if (/^Bearer\b/i.test(authorization)) return checked(BEARER.exec(authorization)?.[1]);
  const injected = headers.get(ACCESS_TOKEN_HEADER);
  if (injected) return checked(B64TOKEN.exec(injected)?.[0]);
  throw new AppError("not_signed_in");
}

function checked(token: string | undefined): string {
  if (token === undefined || token.length > MAX_ASSERTION_LENGTH) {
    throw new AppError("token_rejected", { hint: "The header holds no single bearer token, or one that is too long." });
  }
  if (hasOneSpelling(token)) return token;
  throw new AppError("token_rejected", { hint: "The token's signature is not written as base64url writes it." });
}

/**
 * Whether a token is written as its issuer wrote it. The last character of a signature has bits that mean nothing, and `=` may
 * follow: each spelling would be an exchange and a cached token of its own. What the signature covers has one spelling.
 */
function hasOneSpelling(token: string): boolean {
  const signature = token.slice(token.lastIndexOf(".") + 1);
  return Buffer.from(signature, "base64url").toString("base64url") === signature;
}
