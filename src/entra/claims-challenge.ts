const MAX_LENGTH = 8192;
/** One `name=value` of a challenge: quoted, or a token that may hold the `=` of base64 padding (RFC 9110, 11.2). */
const PARAMETER = /([a-z_]+) *= *(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/**
 * The claims that a resource asks for in `WWW-Authenticate`, as the JSON of a claims request; undefined when it asks for
 * none. Takes values quoted or not, as Graph has sent both. Source:
 * https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
 * Checks that it is JSON, not what it asks: Entra does, at the next sign-in or exchange.
 */
export function claimsIn(wwwAuthenticate: string | readonly string[] | undefined): string | undefined {
  const header = [wwwAuthenticate ?? []].flat().join(", ");
  if (header.length > MAX_LENGTH || !/(^|[\s,])Bearer\s/i.test(header)) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", quoted, unquoted = ""] of header.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, "$1") ?? unquoted);
  }
  if (parameters.get("error") !== "insufficient_claims") return undefined;
  return jsonObjectOf(Buffer.from(parameters.get("claims") ?? "", "base64").toString());
}

function jsonObjectOf(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? text : undefined;
  } catch {
    return undefined;
  }
}
