import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import type { AuthSettings } from "./auth-settings.ts";
import { acceptedIssuers, authorityOf } from "./issuer.ts";
import type { Switches } from "./switches.ts";

/** Claims of a token that holds; undefined for any other. */
export type TokenCheck = (token: string) => Promise<JWTPayload | undefined>;

const CLOCK_SKEW_SECONDS = 300;

/**
 * Makes Easy Auth's check of a token that a client brings: RS256 signature, issuer, audience, times (5 minutes of skew).
 * Like Easy Auth it does not look at scopes or roles. Who may come in is `authorization-policy.ts`.
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
      return (await jwtVerify(token, keys, options)).payload;
    } catch (error) {
      // Only what jose says of the token is a verdict on the token.
      if (error instanceof errors.JOSEError && !KEYS_UNREADABLE.has(error.code)) return undefined;
      throw error;
    }
  };
}

const KEYS_UNREADABLE = new Set(["ERR_JOSE_GENERIC", "ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID"]);
