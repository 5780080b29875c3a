import { AppError } from "../errors.ts";

/** Header in which Easy Auth gives the app a browser session's access token. With Easy Auth on, clients cannot set it. */
export const ACCESS_TOKEN_HEADER = "x-ms-token-aad-access-token";

/** Maximum of characters. Nothing longer is hashed or verified; Entra moves group claims out of a token long before this. */
const MAX_ASSERTION_LENGTH = 16_384;

/** Form of `Authorization`: the scheme, spaces, and one `b64token` (https://www.rfc-editor.org/rfc/rfc6750#section-2.1). */
const BEARER = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i;
const B64TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Reads the user's access token, from here on the assertion: `Authorization: Bearer` first, which Easy Auth leaves as the
 * client sent it, else the header that Easy Auth fills from the session. Does not verify it: see `entra/verify.ts`. Never
 * reads the ID token's header, for an ID token cannot be exchanged.
 *
 * @throws AppError `not_signed_in` without a token, `token_rejected` for anything that cannot be one.
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
