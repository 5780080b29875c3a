import { createRemoteJWKSet, type JWTPayload, jwtVerify } from "jose";
import type { AuthSettings } from "./auth-settings.ts";

/** What the gate makes of a bearer token: `claims` when it lets the caller through, else the status it answers. */
export type BearerVerdict = { readonly claims: JWTPayload } | { readonly status: 401 | 403 };

const CLOCK_SKEW_SECONDS = 300;

/**
 * Makes Easy Auth's check of bearer tokens: signature, issuer, audience and times (401), then the client application (403).
 * Like Easy Auth it does not look at scopes.
 */
export function createBearerCheck({ identityProviders }: AuthSettings, now: () => number) {
  const { registration, validation } = identityProviders.azureActiveDirectory;
  const { openIdIssuer, clientId } = registration;
  const { allowedApplications } = validation.defaultAuthorizationPolicy;
  const keys = createRemoteJWKSet(new URL(`${openIdIssuer.replace(/\/v2\.0$/, "")}/discovery/v2.0/keys`));
  const audience = [clientId, ...validation.allowedAudiences];

  return async (bearer: string): Promise<BearerVerdict> => {
    const options = { issuer: openIdIssuer, audience, algorithms: ["RS256"], clockTolerance: CLOCK_SKEW_SECONDS };
    const verified = await jwtVerify(bearer, keys, { ...options, currentDate: new Date(now()) }).catch(() => undefined);
    if (!verified) return { status: 401 };
    const application = String(verified.payload.azp ?? verified.payload.appid);
    if (allowedApplications.length > 0 && !allowedApplications.includes(application)) return { status: 403 };
    return { claims: verified.payload };
  };
}
