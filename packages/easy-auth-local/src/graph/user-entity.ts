import { type Account, GRAPH_ORIGIN } from "../directory/directory.ts";
import { isPermitted } from "../entra/graph-permissions.ts";
import type { Principal } from "./access.ts";
import { BASIC_PROPERTIES } from "./user-properties.ts";

/** Beginning of `@odata.context`, which names what an answer holds. */
export const CONTEXT = `${GRAPH_ORIGIN}/v1.0/$metadata#`;

/** Returns the values that Graph has of a user, as far as the principal may read them. */
export function valuesOf(
  account: Account,
  { account: self, permissions }: Principal,
): Readonly<Record<string, unknown>> {
  const { objectId, isGuest, profile } = account;
  const values = { accountEnabled: true, userType: isGuest ? "Guest" : "Member", ...profile, id: objectId };
  if (account === self || isPermitted(permissions, ["User.Read.All"])) return values;
  if (!isPermitted(permissions, ["User.ReadBasic.All"])) return { id: objectId };
  return Object.fromEntries(Object.entries(values).filter(([name]) => BASIC_PROPERTIES.has(name)));
}

/** Returns the named properties; null for those without a value. */
export function propertiesOf(values: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, values[name] ?? null]));
}
