import type { AuthSettings } from "./auth-settings.ts";
import type { Switches } from "./switches.ts";

const V1_ISSUER_ORIGIN = "https://sts.windows.net";
const AUTHORITY_ORIGIN = "https://login.microsoftonline.com";
const SEVERAL_TENANTS = new Set(["common", "organizations"]);

/** Returns the authority's address without the version of its protocol; its endpoints are below it. */
export function authorityOf(settings: AuthSettings): string {
  const { origin, tenant } = issuerOf(settings);
  return `${origin === V1_ISSUER_ORIGIN ? AUTHORITY_ORIGIN : origin}/${tenant}`;
}

/** Returns the address of the version 2 issuer, whose discovery document describes the authority. */
export function discoveryIssuerOf(settings: AuthSettings): string {
  return `${authorityOf(settings)}/v2.0`;
}

/** Returns `authorization_uri` of the challenge, in the version that the issuer's spelling names. */
export function authorizationUriOf(settings: AuthSettings): string {
  return `${authorityOf(settings)}/oauth2/${issuerOf(settings).isV2 ? "v2.0/" : ""}authorize`;
}

/**
 * Returns the accepted values of `iss`; undefined when the issuer is for several tenants: then, as the documentation warns,
 * neither issuer nor tenant is checked. What `https://sts.windows.net/<tenant>/v2.0`, which portals write, accepts is not
 * documented; it works with version 2 tokens.
 */
export function acceptedIssuers(
  settings: AuthSettings,
  { issuerMatch }: Pick<Switches, "issuerMatch">,
): string[] | undefined {
  const { tenant, isV2 } = issuerOf(settings);
  if (SEVERAL_TENANTS.has(tenant)) return undefined;
  const v2 = discoveryIssuerOf(settings);
  const v1 = `${V1_ISSUER_ORIGIN}/${tenant}/`;
  if (issuerMatch === "sameTenantAnyVersion") return [v1, v2];
  return [isV2 ? v2 : v1];
}

function issuerOf({ identityProviders }: AuthSettings): { origin: string; tenant: string; isV2: boolean } {
  const { openIdIssuer } = identityProviders.azureActiveDirectory.registration;
  const { origin, pathname } = new URL(openIdIssuer);
  const [, tenant = "", version = ""] = pathname.split("/");
  return { origin, tenant, isV2: version === "v2.0" };
}
