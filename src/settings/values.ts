/** Variables of the environment, by name. */
export type Variables<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** Form of the ids of tenants, apps and identities, in lower case. */
export const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Returns a setting's value without white space around it; empty when it is not set. */
export function textOf<Name extends string>(variables: Variables<Name>, name: Name): string {
  return (variables[name] ?? "").trim();
}

/** Returns what is wrong with a setting: that it is missing, or `otherwise`. */
export function missingOr(value: string, otherwise: string): string {
  return value === "" ? "is missing" : otherwise;
}

/** Parses an address; undefined for anything else. */
export function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** Parses an address without credentials, query or fragment; undefined for anything else. */
export function plainUrlOf(text: string): URL | undefined {
  const url = urlOf(text);
  return url && `${url.username}${url.password}${url.search}${url.hash}` === "" ? url : undefined;
}

/** Whether an address is on this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
