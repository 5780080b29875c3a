import clouds from "../../infra/clouds.json" with { type: "json" };

/** One of Microsoft's clouds, which share neither users nor tokens. */
export interface Cloud {
  /** Origin where users sign in and tokens are issued. */
  readonly authorityOrigin: string;
  /** Origin of the issuer in version 1 tokens. */
  readonly v1IssuerOrigin: string;
  /** Hosts of `WEBSITE_AUTH_OPENID_ISSUER` in the spellings App Service writes. */
  readonly issuerHosts: readonly string[];
  /** Origin of Microsoft Graph: the only place its tokens are sent to, and the resource of its scopes. */
  readonly graphOrigin: string;
  /** Audience of a managed identity's token that stands for an app's credential. */
  readonly tokenExchangeAudience: string;
}

/**
 * The clouds by the value of `CLOUD`, from the file that the templates load too. Sources:
 * https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud,
 * https://learn.microsoft.com/graph/deployments, and for the audiences
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
 * Tenants of the US Department of Defense (`dod-graph.microsoft.us`) are in none of them.
 */
const CLOUDS: ReadonlyMap<string, Cloud> = new Map(
  Object.values(clouds).map(({ setting, login, v1Issuer, issuerHosts, graph, tokenExchange }) => [
    setting,
    {
      authorityOrigin: login,
      v1IssuerOrigin: v1Issuer,
      issuerHosts,
      graphOrigin: graph,
      tokenExchangeAudience: tokenExchange,
    },
  ]),
);
const DEFAULT_CLOUD = "global";

/** Returns the cloud that `CLOUD` names; the global one when it names none. */
export function readCloud(value: string | undefined, problems: string[]): Cloud {
  const name = (value ?? "").trim().toLowerCase() || DEFAULT_CLOUD;
  const cloud = CLOUDS.get(name);
  if (cloud) return cloud;
  problems.push(`CLOUD is not one of ${[...CLOUDS.keys()].join(", ")}. Remove the setting for ${DEFAULT_CLOUD}.`);
  return readCloud(DEFAULT_CLOUD, problems);
}

/** Returns the value of `CLOUD` for the cloud that an issuer's host belongs to. */
export function cloudOfIssuerHost(host: string): string | undefined {
  return [...CLOUDS].find(([, { issuerHosts }]) => issuerHosts.includes(host))?.[0];
}
