import type { Account } from "./account.ts";
import type { Registration } from "./directory.ts";

type Client = Pick<Registration, "clientId" | "graphPermissions">;

/** Which app may use which permission of Microsoft Graph for whom. */
export class Consents {
  readonly #granted = new Set<string>();

  /** Grants permissions: for one account, as a user does, or for all, as an administrator does. */
  grant({ clientId }: Client, permissions: readonly string[], account?: Account): void {
    for (const permission of permissions) this.#granted.add(keyOf(clientId, permission, account));
  }

  /** What was granted since the start is granted no more. */
  withdraw(): void {
    this.#granted.clear();
  }

  has(client: Client, permission: string, account: Account): boolean {
    return (
      (account.consentToGraph && client.graphPermissions.includes(permission)) ||
      this.#granted.has(keyOf(client.clientId, permission)) ||
      this.#granted.has(keyOf(client.clientId, permission, account))
    );
  }
}

function keyOf(clientId: string, permission: string, account?: Account): string {
  return `${clientId} ${permission} ${account?.objectId ?? "everyone"}`;
}
