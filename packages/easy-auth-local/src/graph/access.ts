import { errors, type JWTPayload, jwtVerify } from "jose";
import { GRAPH_HOSTS } from "../directory/clouds.ts";
import { type Account, type Directory, GRAPH_ORIGIN, MICROSOFT_GRAPH } from "../directory/directory.ts";
import { type SigningKeys, withHashedNonce } from "../entra/keys.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { graphError } from "./errors.ts";

export type AccountHandler = (request: RoutedRequest, account: Account) => Reply | Promise<Reply>;

interface Gate {
  readonly directory: Directory;
  readonly keys: SigningKeys;
}

/** Lets a request through only with a delegated token for Graph, not revoked, that holds User.Read. */
export function withAccount({ directory, keys }: Gate, handle: AccountHandler): RouteHandler {
  return async (request) => {
    const graphToken = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const verified = await verify(graphToken, audienceOf(request), keys);
    if (typeof verified === "string") return unauthorized(request, verified);
    const account = directory.accountById(String(verified.oid));
    if (!account) return unauthorized(request, "Access token validation failure.");
    const validFrom = revokedBefore(account, verified, directory);
    if (validFrom !== undefined) return challenge(request, validFrom);
    if (String(verified.scp).split(" ").includes("User.Read")) return handle(request, account);
    return graphError(
      request,
      403,
      "Authorization_RequestDenied",
      "Insufficient privileges to complete the operation.",
    );
  };
}

/** The Graph of one cloud takes no tokens for another's. */
function audienceOf({ url }: RoutedRequest): string {
  return GRAPH_HOSTS.includes(url.host) ? `https://${url.host}` : GRAPH_ORIGIN;
}

/** The token's claims, or what Graph says is wrong with it. */
async function verify(
  graphToken: string | undefined,
  audience: string,
  keys: SigningKeys,
): Promise<JWTPayload | string> {
  if (graphToken === undefined) return "Access token is empty.";
  const options = { audience: [audience, MICROSOFT_GRAPH], algorithms: ["RS256"] };
  // A token for another audience has no nonce, and is judged as it is.
  const signed = withHashedNonce(graphToken) ?? graphToken;
  try {
    const { payload, protectedHeader } = await jwtVerify(signed, keys.verificationKeys, options);
    return "nonce" in protectedHeader ? payload : "Access token validation failure.";
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "Lifetime validation failed, the token is expired.";
    if (error instanceof errors.JWTClaimValidationFailed) return "Access token validation failure. Invalid audience.";
    if (error instanceof errors.JWSInvalid) return "CompactToken parsing failed with error code: 80049217";
    return "Access token validation failure. The signature is invalid.";
  }
}

/** Since when the user's tokens are good, when this one is older and its client can be told so. */
function revokedBefore(
  account: Account,
  { iat = 0, xms_cc }: JWTPayload,
  { revocations }: Directory,
): number | undefined {
  const isCapable = Array.isArray(xms_cc) && xms_cc.includes("cp1");
  if (account.isRevokedOnFirstUse && revocations.validFrom(account) === 0) revocations.revoke(account, iat + 1);
  const validFrom = revocations.validFrom(account);
  return isCapable && iat < validFrom ? validFrom : undefined;
}

/** https://learn.microsoft.com/graph/resolve-auth-errors */
function unauthorized(request: RoutedRequest, message: string): Reply {
  const reply = graphError(request, 401, "InvalidAuthenticationToken", message);
  return { ...reply, headers: { ...reply.headers, "www-authenticate": CHALLENGE } };
}

/** A claims challenge: https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format */
function challenge(request: RoutedRequest, validFrom: number): Reply {
  const reply = graphError(
    request,
    401,
    "InvalidAuthenticationToken",
    "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
  );
  const claims = JSON.stringify({ access_token: { nbf: { essential: true, value: String(validFrom) } } });
  const parameters = `error="insufficient_claims", claims="${Buffer.from(claims).toString("base64")}"`;
  return { ...reply, headers: { ...reply.headers, "www-authenticate": `${CHALLENGE}, ${parameters}` } };
}

const CHALLENGE = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="${MICROSOFT_GRAPH}"`;
