/** Form of the ids of tenants, apps and identities, in lower case. */
export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns what is wrong with a setting: that it is missing, or something else. */
export function missingOr(value: string, otherwise: string): string {
  return value === "" ? "is missing" : otherwise;
}
