import { graphOriginOf } from "../directory/clouds.ts";
import type { Directory, Registration } from "../directory/directory.ts";
import { isForSeveralTenants } from "./authority.ts";
import { refuseByKind } from "./client-authentication.ts";
import { entraError } from "./errors.ts";
import { requestedScopes } from "./requested-scopes.ts";
import type { TokenAnswer, TokenRequest } from "./token-answer.ts";

const SECONDS = 3600;

/**
 * Issues a token to the app itself, without a user:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow Its roles are the app's
 * application permissions that the resource knows. Throws EntraError.
 */
export async function answerToClientCredentials(request: TokenRequest, directory: Directory): Promise<TokenAnswer> {
  const { client, form, authority, issuer } = request;
  refuseByKind(request, "web");
  if (isForSeveralTenants(authority)) {
    const text = "The request names no tenant, which an app without a user needs: ask the authority of a tenant.";
    throw entraError(50059, "invalid_request", text);
  }
  const scope = form.get("scope") ?? "";
  const { resource, isDefault } = requestedScopes(scope, client, directory, graphOriginOf(authority.issuerOrigin));
  if (!isDefault) {
    const text = `The scope '${scope}' is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`;
    throw entraError(1002012, "invalid_scope", text);
  }
  const roles = rolesOf(client, resource);
  const ownIssuer = issuer.at(authority.issuerOrigin, authority.tenant);
  const accessToken = await ownIssuer.appToken(client, resource, roles);
  return { token_type: "Bearer", expires_in: SECONDS, ext_expires_in: SECONDS, access_token: accessToken };
}

/** Names of the app's application permissions on a resource: another app, or Microsoft Graph (undefined). */
function rolesOf(client: Registration, resource: Registration | undefined): readonly string[] {
  const { applicationPermissions = [], hasAdminConsent = true } = client;
  if (!hasAdminConsent) return [];
  if (!resource) return applicationPermissions.filter((name) => !name.includes("/"));
  const prefixes = [resource.clientId, ...(resource.identifierUris ?? [])].map((uri) => `${uri}/`);
  return applicationPermissions.flatMap((name) => {
    const prefix = prefixes.find((start) => name.startsWith(start));
    return prefix === undefined ? [] : [name.slice(prefix.length)];
  });
}
