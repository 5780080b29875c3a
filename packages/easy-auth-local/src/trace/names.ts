import { type Directory, MICROSOFT_GRAPH, OTHER_TENANT_ID } from "../directory/directory.ts";

/** Replaces the ids that it knows by names. */
export type Naming = (text: string) => string;

const GUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi;

/** Makes a `Naming` of the directory's tenants, apps and users. */
export function namesIn({ tenant, registrations, accounts }: Directory): Naming {
  const names = new Map([
    [tenant.id, "{tenant}"],
    [OTHER_TENANT_ID, "{other tenant}"],
    [MICROSOFT_GRAPH, "Microsoft Graph"],
    ...registrations.map(({ clientId, displayName }) => [clientId, displayName] as const),
    ...accounts.map(({ objectId, profile }) => [objectId, profile.displayName] as const),
  ]);
  return (text) => text.replaceAll(GUID, (id) => names.get(id.toLowerCase()) ?? id);
}
