import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { AuthSettings } from "./auth-settings.ts";
import { acceptedIssuers, authorityOf } from "./issuer.ts";
import type { Switches } from "./switches.ts";

/** Verdict on a token: its claims, or the reason why it is refused. */
export type TokenVerdict =
  | { readonly claims: JWTPayload; readonly reason?: undefined }
  | { readonly claims?: undefined; readonly reason: string };
export type TokenCheck = (token: string) => Promise<TokenVerdict>;

const CLOCK_SKEW_SECONDS = 300;
const NO_SCOPE = "the sign-in asked for no scope of this API (loginParameters)";
const OF_GRAPH = `aud is Microsoft Graph, for which nobody else can verify tokens: ${NO_SCOPE}`;
const GRAPH = /^(https:\/\/graph\.microsoft\.com\/?|00000003-0000-0000-c000-000000000000)$/;

/**
 * Makes Easy Auth's check of a token that a client brings: RS256 signature, issuer, audience, times (5 minutes of skew).
 * Like Easy Auth it does not look at scopes or roles; `authorization-policy.ts` decides who may come in.
 * The function throws when the issuer's keys cannot be read.
 */
export function createTokenCheck(settings: AuthSettings, switches: Pick<Switches, "issuerMatch">): TokenCheck {
  const { registration, validation } = settings.identityProviders.azureActiveDirectory;
  const keys = createRemoteJWKSet(new URL(`${authorityOf(settings)}/discovery/v2.0/keys`));
  const issuer = acceptedIssuers(settings, switches);
  const options = {
    audience: [registration.clientId, ...(validation?.allowedAudiences ?? [])],
    algorithms: ["RS256"],
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ["exp"],
    ...(issuer !== undefined && { issuer }),
  };
  return async (token) => {
    try {
      return { claims: (await jwtVerify(token, keys, options)).payload };
    } catch (error) {
      // Only an error about the token is a verdict on the token.
      if (error instanceof errors.JOSEError && !KEYS_UNREADABLE.has(error.code)) {
        return { reason: reasonOf(error, token, settings) };
      }
      throw error;
    }
  };
}

const KEYS_UNREADABLE = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID"]);

/**
 * Returns the reason of a refusal: the rule, the value and the setting. Names claims only of a token whose signature is
 * valid.
 */
function reasonOf(error: errors.JOSEError, token: string, settings: AuthSettings): string {
  if (error instanceof errors.JWTExpired) return `exp ${timeOf(error.payload.exp)} is over, by more than 5 minutes`;
  if (error instanceof errors.JWTClaimValidationFailed) return reasonOfClaim(error, settings);
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    // Graph's tokens are signed so that only Graph can verify them. The claim is not verified, but only compared.
    return GRAPH.test(String(decodeJwt(token).aud)) ? OF_GRAPH : "its signature is not that of the key it names";
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return `its key is none of ${authorityOf(settings)} (openIdIssuer): another authority issued it`;
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return `alg ${algorithmOf(token)} is not RS256`;
  return "the bearer token is not a JWT";
}

function reasonOfClaim({ claim, payload }: errors.JWTClaimValidationFailed, settings: AuthSettings): string {
  const { registration } = settings.identityProviders.azureActiveDirectory;
  if (claim === "aud") {
    const audience = [payload.aud].flat().join(", ");
    const hint = GRAPH.test(audience) ? `: ${NO_SCOPE}` : "";
    return `aud ${audience} is not in allowedAudiences, nor is it the clientId ${registration.clientId}${hint}`;
  }
  if (claim === "iss") {
    const hint = payload.ver === "1.0" ? ", as requestedAccessTokenVersion of the API's registration is not 2" : "";
    return `iss ${payload.iss} is not that of openIdIssuer ${registration.openIdIssuer}${hint}`;
  }
  if (claim === "nbf") return `nbf ${timeOf(payload.nbf)} is to come, by more than 5 minutes`;
  return `its claim ${claim} is missing or no valid value`;
}

function timeOf(seconds: unknown): string {
  return typeof seconds === "number" ? new Date(seconds * 1000).toISOString() : "(no number)";
}

function algorithmOf(token: string): string {
  return JSON.stringify(String(decodeProtectedHeader(token).alg).slice(0, 20));
}
