/** One of Microsoft's clouds: they share neither users nor tokens. */
export interface Cloud {
  /** Where users sign in and tokens are issued. */
  readonly authorityOrigin: string;
  /** Origin of the issuer in version 1 tokens. */
  readonly v1IssuerOrigin: string;
  /** Hosts of `WEBSITE_AUTH_OPENID_ISSUER` in the spellings App Service writes. */
  readonly issuerHosts: readonly string[];
  /** Where Microsoft Graph is: the only place its tokens are sent to, and the resource of its scopes. */
  readonly graphOrigin: string;
  /** What a managed identity's token has to be for to stand for an app's credential. */
  readonly tokenExchangeAudience: string;
}

/**
 * By the value of `CLOUD`. Sources: https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud,
 * https://learn.microsoft.com/graph/deployments, and for the audiences
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
 * The tenants of the US Department of Defense (`dod-graph.microsoft.us`) are in none of them.
 */
const CLOUDS = {
  global: {
    authorityOrigin: "https://login.microsoftonline.com",
    v1IssuerOrigin: "https://sts.windows.net",
    issuerHosts: ["login.microsoftonline.com", "login.windows.net", "sts.windows.net"],
    graphOrigin: "https://graph.microsoft.com",
    tokenExchangeAudience: "api://AzureADTokenExchange",
  },
  usgov: {
    authorityOrigin: "https://login.microsoftonline.us",
    v1IssuerOrigin: "https://sts.windows.net",
    issuerHosts: ["login.microsoftonline.us", "sts.windows.net"],
    graphOrigin: "https://graph.microsoft.us",
    tokenExchangeAudience: "api://AzureADTokenExchangeUSGov",
  },
  china: {
    authorityOrigin: "https://login.partner.microsoftonline.cn",
    v1IssuerOrigin: "https://sts.chinacloudapi.cn",
    issuerHosts: ["login.partner.microsoftonline.cn", "login.chinacloudapi.cn", "sts.chinacloudapi.cn"],
    graphOrigin: "https://microsoftgraph.chinacloudapi.cn",
    tokenExchangeAudience: "api://AzureADTokenExchangeChina",
  },
} as const satisfies Record<string, Cloud>;

type CloudName = keyof typeof CLOUDS;
const CLOUD_NAMES = Object.keys(CLOUDS) as CloudName[];

/** The cloud that `CLOUD` names; the global one when it names none. */
export function readCloud(value: string | undefined, problems: string[]): Cloud {
  const asked = (value ?? "").trim().toLowerCase() || "global";
  const name = CLOUD_NAMES.find((known) => known === asked);
  if (name) return CLOUDS[name];
  problems.push(`CLOUD is not one of ${CLOUD_NAMES.join(", ")}. Remove the setting for global.`);
  return CLOUDS.global;
}

/** The value of `CLOUD` for the cloud that an issuer's host belongs to. */
export function cloudOfIssuerHost(host: string): string | undefined {
  return CLOUD_NAMES.find((name) => (CLOUDS[name] as Cloud).issuerHosts.includes(host));
}
