import type { Account } from "./account.ts";
import type { Registration } from "./registration.ts";

/** Permissions of one resource: of another app in the directory, or of Microsoft Graph without one. */
export interface Permissions {
  readonly resource?: Registration | undefined;
  /** Names without the resource. Upper and lower case are the same. */
  readonly names: readonly string[];
}

/** Consent of users and administrators: which app may use which permission on whose behalf. */
export class Consents {
  readonly #granted = new Set<string>();

  /** Grants permissions: for one account, as a user does, or for all, as an administrator does. */
  grant({ clientId }: Registration, { resource, names }: Permissions, account?: Account): void {
    for (const name of names) this.#granted.add(keyOf(clientId, resource, name, account));
  }

  /** Withdraws what was granted since the start; consent that the registrations began with stays. */
  withdraw(): void {
    this.#granted.clear();
  }

  /** Whether all of the permissions have consent for the account. */
  has(client: Registration, { resource, names }: Permissions, account: Account): boolean {
    return names.every(
      (name) =>
        isRegistered(client, resource, name, account) ||
        this.#granted.has(keyOf(client.clientId, resource, name)) ||
        this.#granted.has(keyOf(client.clientId, resource, name, account)),
    );
  }
}

/** Whether a permission has consent from the start. */
function isRegistered(client: Registration, resource: Registration | undefined, name: string, account: Account) {
  const preAuthorized = resource?.preAuthorizedApplications ?? [];
  if (preAuthorized.includes(client.clientId) || preAuthorized.includes("*")) return true;
  if (client.hasAdminConsent === false) return false;
  const { delegatedPermissions = [] } = client;
  if (!resource) return account.consentToGraph !== false && includes(delegatedPermissions, name);
  const { clientId, identifierUris = [] } = resource;
  return [clientId, ...identifierUris].some((uri) => includes(delegatedPermissions, `${uri}/${name}`));
}

function includes(names: readonly string[], wanted: string): boolean {
  return names.some((name) => name.toLowerCase() === wanted.toLowerCase());
}

function keyOf(clientId: string, resource: Registration | undefined, name: string, account?: Account): string {
  return [clientId, resource?.clientId ?? "graph", name.toLowerCase(), account?.objectId ?? "everyone"].join(" ");
}

/** Names of an app's delegated permissions on Microsoft Graph. */
export function graphPermissionsOf({ delegatedPermissions = [] }: Registration): readonly string[] {
  return delegatedPermissions.filter((permission) => !permission.includes("/"));
}
