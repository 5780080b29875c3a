import { errors, type JWTPayload, jwtVerify } from "jose";
import { GRAPH_HOSTS } from "../directory/clouds.ts";
import { type Account, type Directory, GRAPH_ORIGIN, MICROSOFT_GRAPH } from "../directory/directory.ts";
import { isPermitted } from "../entra/graph-permissions.ts";
import { type SigningKeys, withHashedNonce } from "../entra/keys.ts";
import type { Reply, RoutedRequest, RouteHandler } from "../http/router.ts";
import { forbidden, graphError } from "./errors.ts";

/** Parts that decide on a token: the directory of its user, and the keys that Entra signs with. */
export interface AccessParts {
  readonly directory: Directory;
  readonly keys: SigningKeys;
}

/** Principal of a request with a valid token. */
export interface Principal {
  /** The signed-in user; undefined for an app without a user. */
  readonly account: Account | undefined;
  /** Names of the token's permissions: delegated ones, or the app's own. */
  readonly permissions: readonly string[];
  readonly claims: JWTPayload;
}

export type PrincipalHandler = (request: RoutedRequest, principal: Principal) => Reply | Promise<Reply>;
export type AccountHandler = (request: RoutedRequest, account: Account, principal: Principal) => Reply | Promise<Reply>;

/**
 * Lets a request through only with a token for Graph that is not revoked and holds one of the needed permissions, or one that
 * includes it.
 */
export function withPrincipal(
  { directory, keys }: AccessParts,
  handle: PrincipalHandler,
  needed: readonly string[],
): RouteHandler {
  return async (request) => {
    const graphToken = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const claims = await verify(graphToken, audienceOf(request), keys);
    if (typeof claims === "string") return unauthorized(request, claims);
    if (claims.idtyp === "app") return answered(request, principalOf(claims, undefined), handle, needed);
    const account = directory.accountById(String(claims.oid));
    if (!account) return unauthorized(request, "Access token validation failure.");
    const validFrom = revokedBefore(account, claims, directory);
    if (validFrom !== undefined) return challenge(request, validFrom);
    return answered(request, principalOf(claims, account), handle, needed);
  };
}

/** Applies `withPrincipal` to a route of the signed-in user, and refuses an app without a user. */
export function withAccount(
  parts: AccessParts,
  handle: AccountHandler,
  needed: readonly string[] = ["User.Read"],
): RouteHandler {
  const ofUser: PrincipalHandler = (request, principal) => {
    if (principal.account) return handle(request, principal.account, principal);
    return graphError(request, 400, "BadRequest", "/me request is only valid with delegated authentication flow.");
  };
  return withPrincipal(parts, ofUser, needed);
}

function principalOf(claims: JWTPayload, account: Account | undefined): Principal {
  const { scp, roles } = claims;
  const permissions = account ? String(scp).split(" ") : Array.isArray(roles) ? roles.map(String) : [];
  return { account, permissions, claims };
}

function answered(
  request: RoutedRequest,
  principal: Principal,
  handle: PrincipalHandler,
  needed: readonly string[],
): Reply | Promise<Reply> {
  // `/me` without a user is refused as such, whatever the app's permissions.
  const isOfUser = !principal.account && /\/me(\/|$)/.test(request.url.pathname);
  return isOfUser || isPermitted(principal.permissions, needed) ? handle(request, principal) : forbidden(request);
}

/** Returns the audience of tokens for the request's Graph: that of one cloud takes none for another's. */
function audienceOf({ url }: RoutedRequest): string {
  return GRAPH_HOSTS.includes(url.host) ? `https://${url.host}` : GRAPH_ORIGIN;
}

/** Returns the token's claims, or what is wrong with it in Graph's words. */
async function verify(
  graphToken: string | undefined,
  audience: string,
  keys: SigningKeys,
): Promise<JWTPayload | string> {
  if (graphToken === undefined) return "Access token is empty.";
  const options = { audience: [audience, `${audience}/`, MICROSOFT_GRAPH], algorithms: ["RS256"] };
  // A token for another audience has no nonce, and is checked unchanged.
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

/** Returns the time from which the user's tokens are good, if this one is older and its client understands a challenge. */
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

/** Makes a 401: https://learn.microsoft.com/graph/resolve-auth-errors */
function unauthorized(request: RoutedRequest, message: string): Reply {
  const reply = graphError(request, 401, "InvalidAuthenticationToken", message);
  return { ...reply, headers: { ...reply.headers, "www-authenticate": CHALLENGE } };
}

/**
 * Makes a claims challenge:
 * https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
 */
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
