import clouds from "../../infra/clouds.json" with { type: "json" };

/**
 * One of Microsoft's clouds, which share neither users nor tokens, from the file that the templates load too. Origins: `login`,
 * where users sign in and tokens are issued; `v1Issuer`, the issuer in version 1 tokens; `graph`, where alone Graph's tokens
 * are sent, and the resource of its scopes. `issuerHosts` are the hosts of `WEBSITE_AUTH_OPENID_ISSUER` in the spellings App
 * Service writes, `tokenExchange` the audience of a managed identity's token that stands for an app's credential. Sources:
 * https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud,
 * https://learn.microsoft.com/graph/deployments, and for the audiences
 * https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity.
 * The US Department of Defense's own cloud (`dod-graph.microsoft.us`) is not among them.
 */
export type Cloud = (typeof clouds)[keyof typeof clouds];

const CLOUDS: readonly Cloud[] = Object.values(clouds);
const GLOBAL: Cloud = clouds.AzureCloud;

/** Returns the cloud that `CLOUD` names; the global one when it names none. */
export function readCloud(value = "", problems: string[]): Cloud {
  const name = value.trim().toLowerCase();
  if (name === "") return GLOBAL;
  const cloud = CLOUDS.find(({ setting }) => setting === name);
  if (cloud) return cloud;
  const names = CLOUDS.map(({ setting }) => setting).join(", ");
  problems.push(`CLOUD is not one of ${names}. Remove the setting for ${GLOBAL.setting}.`);
  return GLOBAL;
}

/** Returns the value of `CLOUD` for the cloud that an issuer's host belongs to. */
export function cloudOfIssuerHost(host: string): string | undefined {
  return CLOUDS.find(({ issuerHosts }) => issuerHosts.includes(host))?.setting;
}
