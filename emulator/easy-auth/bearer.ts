import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import type { AuthSettings } from "./auth-settings.ts";

/** What the gate makes of a bearer token: `claims` when it lets the caller through, else the status it answers. */
export type BearerVerdict = { readonly claims: JWTPayload } | { readonly status: 401 | 403 };

/** The authority's address without the version of its protocol, under which its endpoints are. */
export function authorityOf({ identityProviders }: AuthSettings): string {
  return identityProviders.azureActiveDirectory.registration.openIdIssuer.replace(/\/v2\.0$/, "");
}

const CLOCK_SKEW_SECONDS = 300;

/**
 * Makes Easy Auth's check of bearer tokens: signature, issuer, audience and times (401), then the client application (403).
 * Like Easy Auth it does not look at scopes. Throws when the issuer's keys cannot be read.
 */
export function createBearerCheck(settings: AuthSettings, now: () => number) {
  const { registration, validation } = settings.identityProviders.azureActiveDirectory;
  const { openIdIssuer, clientId } = registration;
  const { allowedApplications } = validation.defaultAuthorizationPolicy;
  const keys = createRemoteJWKSet(new URL(`${authorityOf(settings)}/discovery/v2.0/keys`));
  const audience = [clientId, ...validation.allowedAudiences];

  return async (bearer: string): Promise<BearerVerdict> => {
    const options = { issuer: openIdIssuer, audience, algorithms: ["RS256"], clockTolerance: CLOCK_SKEW_SECONDS };
    const verified = await jwtVerify(bearer, keys, { ...options, currentDate: new Date(now()) }).catch(
      (error: unknown) => {
        // Only what jose says of the token is a verdict on the token.
        if (error instanceof errors.JOSEError && error.code !== "ERR_JOSE_GENERIC" && error.code !== "ERR_JWKS_TIMEOUT")
          return undefined;
        throw error;
      },
    );
    if (!verified) return { status: 401 };
    const application = String(verified.payload.azp ?? verified.payload.appid);
    if (allowedApplications.length > 0 && !allowedApplications.includes(application)) return { status: 403 };
    return { claims: verified.payload };
  };
}
