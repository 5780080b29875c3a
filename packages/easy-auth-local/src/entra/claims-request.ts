import { type EntraError, entraError } from "./errors.ts";

/** Contents of a `claims` parameter: https://learn.microsoft.com/entra/identity-platform/claims-challenge */
export interface ClaimsRequest {
  /**
   * Authentication contexts to satisfy, such as multifactor authentication, which the tokens then name in `acrs`:
   * https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context
   */
  readonly contexts: readonly string[];
  /** Whether the client declares that it understands claims challenges. */
  readonly isCapable: boolean;
  /** Earliest time of the sign-in, in seconds since 1970. */
  readonly notBefore: number;
}

/** Authentication context that satisfies every policy which is asked for by its id: multifactor authentication. */
const POLICY_CONTEXT = "p1";

/** Reads a `claims` parameter. Throws EntraError when it is not the JSON of a claims request. */
export function claimsRequestOf(claims: string | null): ClaimsRequest {
  const { access_token, id_token } = parsed(claims);
  const { acrs, polids, nbf, xms_cc } = access_token;
  const contexts = [...valuesOf(acrs), ...valuesOf(id_token.acrs), ...(polids === undefined ? [] : [POLICY_CONTEXT])];
  return {
    contexts: [...new Set(contexts)],
    isCapable: valuesOf(xms_cc).some((value) => value.toLowerCase() === "cp1"),
    notBefore: Number(valuesOf(nbf)[0] ?? 0),
  };
}

/** Throws EntraError when `claims` asks for an authentication context that the sign-in did not satisfy. */
export function refuseUnsatisfied(claims: string | null, satisfied: readonly string[]): void {
  const missing = claimsRequestOf(claims).contexts.filter((context) => !satisfied.includes(context));
  if (missing.length > 0) throw stepUp(missing);
}

/** Makes the refusal that sends the user to sign in again, with the claims to ask for then. */
function stepUp(contexts: readonly string[]): EntraError {
  const acrs = { essential: true, ...(contexts.length === 1 ? { value: contexts[0] } : { values: contexts }) };
  const claims = JSON.stringify({ access_token: { acrs } });
  const text = `The user must satisfy the authentication context ${contexts.join(", ")}, such as by multifactor authentication.`;
  return entraError(50076, "interaction_required", text, "basic_action", claims);
}

type Requested = Readonly<Record<string, unknown>>;

function parsed(claims: string | null): { readonly access_token: Requested; readonly id_token: Requested } {
  try {
    const request: unknown = JSON.parse(claims || "{}");
    const { access_token = {}, id_token = {} } = request as { access_token?: object; id_token?: object };
    return { access_token: { ...access_token }, id_token: { ...id_token } };
  } catch {
    throw entraError(90023, "invalid_request", "The claims parameter is not the JSON of a claims request.");
  }
}

/** Returns `value` and `values` of one claim (OpenID Connect Core, 5.5.1). */
function valuesOf(claim: unknown): string[] {
  if (typeof claim !== "object" || claim === null) return [];
  const { value, values } = claim as { value?: unknown; values?: unknown };
  return [value ?? [], values ?? []].flat().map(String);
}
