import type { Permissions } from "../directory/consents.ts";
import type { Account, Directory, Registration } from "../directory/directory.ts";
import { type EntraError, entraError } from "./errors.ts";
import { OIDC_SCOPES } from "./requested-scopes.ts";

/** Returns the permissions that nobody consented to. Signing in is consent to OpenID's scopes. */
export function missingPermissions(
  { resource, names }: Permissions,
  client: Registration,
  account: Account,
  { consents }: Pick<Directory, "consents">,
): readonly string[] {
  if (resource === client) return [];
  return names.filter((name) => !OIDC_SCOPES.has(name) && !consents.has(client, { resource, names: [name] }, account));
}

/** Throws EntraError unless the user or an administrator consented that the client uses the permissions. For every grant. */
export function refuseWithoutConsent(
  permissions: Permissions,
  client: Registration,
  account: Account,
  directory: Directory,
): void {
  const missing = missingPermissions(permissions, client, account, directory);
  if (missing.length > 0) throw consentRequired(client, "invalid_grant");
}

/** Makes the refusal for a missing consent; the OAuth error depends on the endpoint. */
export function consentRequired({ clientId, displayName }: Registration, error: string): EntraError {
  const text = `The user or administrator has not consented to use the application with ID '${clientId}' named '${displayName}'. Send an interactive authorization request for this user and resource.`;
  return entraError(65001, error, text, "consent_required");
}
