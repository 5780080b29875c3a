import { type Cloud, cloudOfIssuerHost } from "./cloud.ts";
import { GUID, missingOr } from "./problems.ts";

/** The authority where users of one tenant, or of several, sign in. */
export interface Authority {
  /** Origin, for example `https://login.microsoftonline.com`. */
  readonly origin: string;
  /** Origin of the issuer in version 1 tokens, for example `https://sts.windows.net`. */
  readonly v1IssuerOrigin: string;
  /** Tenant id in lower case, or `common` or `organizations` for several tenants. */
  readonly tenant: string;
}

const SEVERAL_TENANTS: ReadonlySet<string> = new Set(["common", "organizations"]);

/** Whether an authority's tenant stands for several. */
export function isSeveralTenants(tenant: string): boolean {
  return SEVERAL_TENANTS.has(tenant);
}

/** Tenants for customers: other authorities, issuers and claims than this app verifies. */
const NO_WORKFORCE = /\.(ciamlogin|b2clogin)\.com$/i;

/** Returns the authority that `WEBSITE_AUTH_OPENID_ISSUER` names, in any spelling App Service writes. */
export function readAuthority(value: string | undefined, cloud: Cloud, problems: string[]): Authority {
  const issuer = (value ?? "").trim();
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const isPlain = url?.protocol === "https:" && url.search === "" && url.hash === "";
  const named = /^\/([^/]+)(\/v2\.0)?\/?$/.exec(url?.pathname ?? "")?.[1]?.toLowerCase() ?? "";
  const tenant = isPlain && (GUID.test(named) || isSeveralTenants(named)) ? named : "";
  const origins = { origin: cloud.authorityOrigin, v1IssuerOrigin: cloud.v1IssuerOrigin };
  if (tenant !== "" && url && cloud.issuerHosts.includes(url.host)) return { ...origins, tenant };
  if (NO_WORKFORCE.test(url?.hostname ?? "")) {
    problems.push(
      "WEBSITE_AUTH_OPENID_ISSUER is an issuer of Microsoft Entra External ID (ciamlogin.com) or Azure AD B2C (b2clogin.com), " +
        "whose users this app does not serve. Use an issuer of a workforce tenant.",
    );
    return { ...origins, tenant: "" };
  }
  const otherCloud = tenant === "" ? undefined : cloudOfIssuerHost(url?.host ?? "");
  problems.push(
    otherCloud
      ? `WEBSITE_AUTH_OPENID_ISSUER is an issuer of another cloud than CLOUD names. Set CLOUD to ${otherCloud}.`
      : `WEBSITE_AUTH_OPENID_ISSUER ${missingOr(issuer, "is not an issuer of Microsoft Entra ID")}. Use ` +
          `${cloud.authorityOrigin}/<tenant id>/v2.0; App Service sets it when authentication is on.`,
  );
  return { ...origins, tenant: "" };
}
