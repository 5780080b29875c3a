import { type Cloud, cloudOfIssuerHost } from "./cloud.ts";
import { GUID, missingOr, urlOf } from "./values.ts";

/** The authority where users of one tenant, or of several, sign in. */
export interface Authority {
  /** Origin, for example `https://login.microsoftonline.com`. */
  readonly origin: string;
  /** Origin of the issuer in version 1 tokens, for example `https://sts.windows.net`. */
  readonly v1IssuerOrigin: string;
  /** Tenant id in lower case, or `common` or `organizations` for several tenants. */
  readonly tenant: string;
}

/** Whether an authority's tenant stands for several. */
export function isSeveralTenants(tenant: string): boolean {
  return tenant === "common" || tenant === "organizations";
}

/** Hosts of tenants for customers, whose issuers and claims this app does not verify. */
const NO_WORKFORCE = /\.(ciamlogin|b2clogin)\.com$/i;

/** Returns the authority that `WEBSITE_AUTH_OPENID_ISSUER` names, in any spelling App Service writes. */
export function readAuthority(value = "", cloud: Cloud, problems: string[]): Authority {
  const issuer = value.trim();
  const url = urlOf(issuer);
  const tenant = tenantIn(url);
  const isOfCloud = tenant !== "" && cloud.issuerHosts.includes(url?.host ?? "");
  if (!isOfCloud) problems.push(`WEBSITE_AUTH_OPENID_ISSUER ${problemOf(issuer, tenant, cloud)}`);
  return { origin: cloud.login, v1IssuerOrigin: cloud.v1Issuer, tenant: isOfCloud ? tenant : "" };
}

/** Returns the tenant in the path of an issuer's address; empty when it names none. */
function tenantIn(url: URL | undefined): string {
  const isPlain = url?.protocol === "https:" && url.search === "" && url.hash === "";
  const named = /^\/([^/]+)(\/v2\.0)?\/?$/.exec(url?.pathname ?? "")?.[1]?.toLowerCase() ?? "";
  return isPlain && (GUID.test(named) || isSeveralTenants(named)) ? named : "";
}

/** Returns what is wrong with an issuer that is none of the cloud's, in words that follow the setting's name. */
function problemOf(issuer: string, tenant: string, { login }: Cloud): string {
  const url = urlOf(issuer);
  if (NO_WORKFORCE.test(url?.hostname ?? "")) {
    return (
      "is an issuer of Microsoft Entra External ID (ciamlogin.com) or Azure AD B2C (b2clogin.com), whose users this app " +
      "does not serve. Use an issuer of a workforce tenant."
    );
  }
  const otherCloud = tenant === "" ? undefined : cloudOfIssuerHost(url?.host ?? "");
  if (otherCloud) return `is an issuer of another cloud than CLOUD names. Set CLOUD to ${otherCloud}.`;
  const problem = missingOr(issuer, "is not an issuer of Microsoft Entra ID");
  return `${problem}. Use ${login}/<tenant id>/v2.0; App Service sets it when authentication is on.`;
}
