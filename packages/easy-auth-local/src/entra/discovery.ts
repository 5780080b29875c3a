import { graphOriginOf } from "../directory/clouds.ts";
import type { Authority } from "./authority.ts";
import { issuerV2 } from "./tokens.ts";

/**
 * The OpenID configuration of an authority: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#sample-response
 * For `organizations` and `common` the issuer is a template, as Entra's is: the tenant shows at the sign-in only.
 */
export function openidConfiguration({ origin, tenant }: Authority): object {
  const base = `${origin}/${tenant}`;
  const issuerTenant = tenant === "organizations" || tenant === "common" ? "{tenantid}" : tenant;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "code id_token", "id_token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: issuerV2(origin, issuerTenant),
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: [
      "sub",
      "iss",
      "aud",
      "exp",
      "iat",
      "nonce",
      "preferred_username",
      "name",
      "tid",
      "ver",
      "c_hash",
    ],
    cloud_instance_name: "microsoftonline.com",
    msgraph_host: new URL(graphOriginOf(origin)).host,
  };
}
