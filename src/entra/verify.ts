import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { AppError } from "../errors.ts";
import { type Authority, isSeveralTenants } from "../settings/authority.ts";
import type { Settings } from "../settings.ts";
import type { VerifiedUser } from "../user.ts";
import { createPublicKeys } from "./public-keys.ts";

export type VerifyAssertion = (assertion: string) => Promise<VerifiedUser>;

/** Scope of this API that every token needs; App Service's own registrations expose it. */
const REQUIRED_SCOPE = "user_impersonation";
const GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000";
const CLOCK_SKEW_SECONDS = 60;
/** Share of the request's time for one request of the keys; leaves time to answer without them. */
const KEYS_TIMEOUT_SHARE = 0.3;

/**
 * Makes the check that every assertion passes before it is used. It repeats Easy Auth's own, so that an Easy Auth that is off,
 * or lets anonymous requests through, opens nothing.
 *
 * Checks: RS256 signature by a key of the authority, issuer in its version 1 or 2 spelling for the token's own tenant,
 * tenant allowed, audience, times (60 s skew), a delegated token (`scp`) with the required scope, for a user. A key that
 * the authority names for one tenant signs for that one only.
 * Does not check: which client the user signed in with (Easy Auth's `allowedApplications`), and revocation (Entra does, at
 * the exchange). Source: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
 *
 * The function throws AppError `token_expired`, `token_rejected`, `tenant_not_allowed`, `insufficient_scope` or
 * `identity_unavailable`.
 */
export function createVerifier(
  settings: Pick<Settings, "authority" | "graphOrigin" | "allowedTenants" | "audiences" | "requestTimeoutMs">,
  keys: JWTVerifyGetKey = keysOf(settings),
): VerifyAssertion {
  const allowedTenants = new Set(settings.allowedTenants);
  const options = {
    algorithms: ["RS256"],
    audience: [...settings.audiences],
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ["iss", "aud", "exp", "nbf", "tid", "oid"],
  };

  return async (assertion) => {
    const { payload } = await jwtVerify(assertion, keys, options).catch((error) =>
      rethrow(error, assertion, settings.graphOrigin),
    );
    const tenantId = text(payload.tid).toLowerCase();
    if (!isIssuedBy(settings.authority, tenantId, payload)) {
      throw rejected("The token was issued for or by another tenant.");
    }
    if (!allowedTenants.has(tenantId)) {
      throw new AppError("tenant_not_allowed", {
        hint: "The user's tenant is not in WEBSITE_AUTH_AAD_ALLOWED_TENANTS.",
      });
    }
    requireDelegatedScope(payload);
    const objectId = text(payload.oid);
    if (objectId === "") throw rejected("The token names no user: its oid claim is empty.");
    const authContexts = authContextsIn(payload);
    return { tenantId, objectId, expiresAt: Number(payload.exp), ...(authContexts.length > 0 && { authContexts }) };
  };
}

function keysOf({ authority, requestTimeoutMs }: Pick<Settings, "authority" | "requestTimeoutMs">): JWTVerifyGetKey {
  const url = new URL(`${authority.origin}/${authority.tenant}/discovery/v2.0/keys`);
  return createPublicKeys(url, Math.round(requestTimeoutMs * KEYS_TIMEOUT_SHARE));
}

/** Whether the token's own tenant issued it, and is one that the authority is for. */
function isIssuedBy(authority: Authority, tenantId: string, { iss }: JWTPayload): boolean {
  const { origin, v1IssuerOrigin, tenant } = authority;
  if (!isSeveralTenants(tenant) && tenantId !== tenant) return false;
  return iss === `${origin}/${tenantId}/v2.0` || iss === `${v1IssuerOrigin}/${tenantId}/`;
}

/** Reads `acrs`: https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
function authContextsIn({ acrs }: JWTPayload): readonly string[] {
  return Array.isArray(acrs) ? acrs.filter((one) => typeof one === "string") : [];
}

/**
 * Refuses app-only tokens and ID tokens, which have no `scp`, and tokens without our scope:
 * https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
function requireDelegatedScope({ scp, idtyp }: JWTPayload): void {
  if (typeof scp !== "string" || scp === "" || idtyp === "app") {
    throw rejected(
      "The token is not a user's access token. An ID token or an app-only token cannot be exchanged on behalf of a user.",
    );
  }
  if (!scp.split(" ").includes(REQUIRED_SCOPE)) {
    throw new AppError("insufficient_scope", { hint: `The token lacks the scope ${REQUIRED_SCOPE}.` });
  }
}

/** Throws the failure for an error of jose. Its claim errors carry the whole payload, so none of them is a `cause`. */
function rethrow(error: unknown, assertion: string, graphOrigin: string): never {
  if (error instanceof errors.JWTExpired) throw new AppError("token_expired");
  if (error instanceof errors.JWTClaimValidationFailed) throw rejected(hintFor(error.claim));
  const code = error instanceof errors.JOSEError ? error.code : "";
  if (code === "" || code === "ERR_JWKS_TIMEOUT" || code === "ERR_JOSE_GENERIC" || code === "ERR_JWKS_INVALID") {
    throw new AppError("identity_unavailable", { hint: "The signing keys could not be read.", cause: error });
  }
  if (isForGraph(assertion, graphOrigin)) throw rejected(hintFor("aud"));
  throw rejected(`The token is malformed or its signature is not valid (${code}).`);
}

/**
 * Whether an unverified token names Graph as its audience, as Easy Auth's do when no scope is configured. For the hint alone:
 * nobody but Graph can verify its tokens, https://learn.microsoft.com/entra/identity-platform/access-tokens#token-ownership
 */
function isForGraph(assertion: string, graphOrigin: string): boolean {
  try {
    return [GRAPH_APP_ID, graphOrigin].includes(String(decodeJwt(assertion).aud));
  } catch {
    return false;
  }
}

function rejected(hint: string): AppError {
  return new AppError("token_rejected", { hint });
}

function hintFor(claim: string): string {
  if (claim !== "aud") return `The token's ${claim} claim is not valid.`;
  return (
    "The token is for another audience. If it came from a sign-in by Easy Auth, add the API's scope to the frontend's " +
    "loginParameters (scope=openid profile email offline_access api://<API client id>/user_impersonation) and sign in again."
  );
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
