import { graphOriginOf } from "../directory/clouds.ts";
import { forAnyOrigin } from "../http/cross-origin.ts";
import { json, type RouteHandler } from "../http/router.ts";
import { type Authority, authorityOf, isForSeveralTenants } from "./authority.ts";
import type { SigningKeys } from "./keys.ts";
import { issuerV1, issuerV2 } from "./tokens.ts";

/**
 * Routes that describe an authority, in both versions, and its keys. `browserOrigin` is where a browser reaches Entra on this
 * machine over https, if it does: clients that read the document by Microsoft's name send it there.
 */
export function discoveryRoutes(
  keys: Pick<SigningKeys, "jwks">,
  browserOrigin: () => string | undefined,
): Readonly<Record<string, RouteHandler>> {
  const showKeys: RouteHandler = () => json(200, keys.jwks);
  return forAnyOrigin({
    "GET /:tenant/v2.0/.well-known/openid-configuration": (request) =>
      json(200, openidConfiguration(authorityOf(request), browserOrigin())),
    "GET /:tenant/.well-known/openid-configuration": (request) =>
      json(200, openidConfigurationV1(authorityOf(request), browserOrigin())),
    "GET /:tenant/discovery/v2.0/keys": showKeys,
    "GET /:tenant/discovery/keys": showKeys,
  });
}

/** Route that MSAL asks before it trusts an authority. */
export const instanceDiscoveryRoutes: Readonly<Record<string, RouteHandler>> = forAnyOrigin({
  "GET /:tenant/discovery/instance": ({ url }) =>
    json(200, instanceDiscovery(url.searchParams.get("authorization_endpoint") ?? "")),
});

/**
 * Makes the OpenID configuration of an authority:
 * https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#sample-response The issuer is Entra's wherever
 * the document was read, as in every token. For `organizations` and `common` it is a template, as Entra's is: the tenant
 * shows at the sign-in.
 */
function openidConfiguration(authority: Authority, browserOrigin: string | undefined): object {
  const { origin, issuerOrigin, tenant } = authority;
  const base = `${origin}/${tenant}`;
  const ofBrowser = `${browserOriginOf(authority, browserOrigin)}/${tenant}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    ...CLIENT_AUTHENTICATION,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    ...CAPABILITIES,
    issuer: issuerV2(issuerOrigin, issuerTenantOf(authority)),
    userinfo_endpoint: userinfoEndpoint(authority),
    authorization_endpoint: `${ofBrowser}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${ofBrowser}/oauth2/v2.0/logout`,
    claims_supported: CLAIMS,
    ...cloudOfAuthority(authority),
  };
}

/**
 * Makes the OpenID configuration of version 1, whose tokens have another issuer:
 * https://learn.microsoft.com/entra/identity-platform/access-tokens
 */
function openidConfigurationV1(authority: Authority, browserOrigin: string | undefined): object {
  const { origin, issuerOrigin, tenant } = authority;
  const base = `${origin}/${tenant}`;
  const ofBrowser = `${browserOriginOf(authority, browserOrigin)}/${tenant}`;
  return {
    token_endpoint: `${base}/oauth2/token`,
    ...CLIENT_AUTHENTICATION,
    jwks_uri: `${base}/discovery/keys`,
    ...CAPABILITIES,
    issuer: issuerV1(issuerOrigin, issuerTenantOf(authority)),
    microsoft_multi_refresh_token: true,
    authorization_endpoint: `${ofBrowser}/oauth2/authorize`,
    device_authorization_endpoint: `${base}/oauth2/devicecode`,
    end_session_endpoint: `${ofBrowser}/oauth2/logout`,
    userinfo_endpoint: `${base}/openid/userinfo`,
    claims_supported: CLAIMS,
    ...cloudOfAuthority(authority),
  };
}

/** Makes the answer: names of each cloud's authority, and the address of the document that describes the one asked about. */
function instanceDiscovery(authorizationEndpoint: string): object {
  const [authority = ""] = authorizationEndpoint.split(/\/oauth2\//);
  return {
    tenant_discovery_endpoint: `${authority}/v2.0/.well-known/openid-configuration`,
    "api-version": "1.1",
    metadata: METADATA.map(([network, cache, ...others]) => ({
      preferred_network: network,
      preferred_cache: cache,
      aliases: [...new Set([network, cache, ...others])],
    })),
  };
}

/** Names of each cloud's authority: for requests, for caches, and others. */
const METADATA: readonly (readonly [network: string, cache: string, ...others: string[]])[] = [
  ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
  ["login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
  ["login.microsoftonline.us", "login.microsoftonline.us", "login.usgovcloudapi.net"],
];

/**
 * Returns the origin of Entra's pages for a browser. Under Microsoft's name a browser would reach Microsoft, so it is
 * sent to this machine, over https, as clients demand.
 */
function browserOriginOf({ origin, issuerOrigin }: Authority, browserOrigin = origin): string {
  return origin === issuerOrigin ? browserOrigin : origin;
}

function userinfoEndpoint({ origin, issuerOrigin }: Authority): string {
  return `${origin === issuerOrigin ? graphOriginOf(issuerOrigin) : origin}/oidc/userinfo`;
}

function issuerTenantOf(authority: Authority): string {
  return isForSeveralTenants(authority) ? "{tenantid}" : authority.tenant;
}

function cloudOfAuthority({ issuerOrigin }: Authority): object {
  return {
    cloud_instance_name: new URL(issuerOrigin).host.replace(/^login\./, ""),
    msgraph_host: new URL(graphOriginOf(issuerOrigin)).host,
  };
}

const CLIENT_AUTHENTICATION = {
  token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
};

const CAPABILITIES = {
  response_modes_supported: ["query", "fragment", "form_post"],
  subject_types_supported: ["pairwise"],
  id_token_signing_alg_values_supported: ["RS256"],
  response_types_supported: ["code", "code id_token", "id_token"],
  scopes_supported: ["openid", "profile", "email", "offline_access"],
  request_uri_parameter_supported: false,
};

const CLAIMS = [
  ...["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver"],
  ...["c_hash", "email"],
];
