import { jsonIn, membersOf } from "../outgoing/json.ts";
import type { OutgoingAnswer } from "../outgoing/send.ts";

type AnswerHead = Pick<OutgoingAnswer, "statusCode" | "headers">;

/** A resource's refusal of the access token. */
export interface TokenRefusal {
  /** JSON of a claims request that a new token has to satisfy; undefined when the resource names none. */
  readonly claims: string | undefined;
}

const MAX_LENGTH = 8192;
/**
 * Form of one `name=value` of a challenge. Values: JSON in quotes with its own quotes unescaped; quoted text; or a word, which
 * may hold the `=` of base64 (RFC 9110, 11.2).
 */
const PARAMETER = /(?<![a-z_])([a-z_]+) *= *(?:"(\{[^\\]*?\})"(?=\s*(?:,|$))|"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi;

/**
 * Returns the refusal of the access token in an answer: a 401, or a 403 that asks for claims. A challenge may come with
 * other statuses than 401, to say that other credentials might help: https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 * Any other 403 is about the user's rights, which a new token does not change.
 */
export function tokenRefusalIn({ statusCode, headers }: AnswerHead): TokenRefusal | undefined {
  if (statusCode !== 401 && statusCode !== 403) return undefined;
  const claims = claimsIn(headers["www-authenticate"]);
  return statusCode === 401 || claims !== undefined ? { claims } : undefined;
}

/**
 * Whether a resource's 403 says that its own app lacks consent, and asks for no claims: Microsoft.Identity.Web then sends the
 * address of the consent as `consentUri` (https://github.com/AzureAD/microsoft-identity-web/wiki/web-apis).
 */
export function isConsentMissing({ statusCode, headers }: AnswerHead): boolean {
  if (statusCode !== 403) return false;
  const header = headers["www-authenticate"];
  return (parametersIn(header)?.get("consenturi") ?? "") !== "" && claimsIn(header) === undefined;
}

/**
 * Returns the claims that a resource asks for in `WWW-Authenticate`, as the JSON of a claims request; undefined when it asks
 * for none. Takes base64, quoted or not, since Graph has sent both, and plain JSON, with or without
 * `error="insufficient_claims"`, as Microsoft.Identity.Web sends it. Source:
 * https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
 * Checks that it is JSON. Entra checks its content, at the next sign-in or exchange.
 */
export function claimsIn(wwwAuthenticate: string | readonly string[] | undefined): string | undefined {
  const parameters = parametersIn(wwwAuthenticate);
  const claims = parameters?.get("claims") ?? "";
  if (!["insufficient_claims", undefined].includes(parameters?.get("error"))) return undefined;
  return [claims, Buffer.from(claims, "base64").toString()].find(isClaimsRequest);
}

/** Returns the parameters of a Bearer challenge by name in lower case; undefined without one. */
function parametersIn(wwwAuthenticate: string | readonly string[] | undefined): Map<string, string> | undefined {
  const header = [wwwAuthenticate ?? []].flat().join(", ");
  if (header.length > MAX_LENGTH || !/(^|[\s,])Bearer\s/i.test(header)) return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = "", json, quoted, unquoted = ""] of header.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), json ?? quoted?.replace(/\\(.)/g, "$1") ?? unquoted);
  }
  return parameters;
}

/**
 * Whether a text is a claims request (https://openid.net/specs/openid-connect-core-1_0.html#ClaimsParameter) that MSAL
 * can add its own to.
 */
export function isClaimsRequest(text: string): boolean {
  const value = jsonIn(text);
  const { access_token = {} } = membersOf(value);
  return [value, access_token].every((one) => Object.prototype.toString.call(one) === "[object Object]");
}
