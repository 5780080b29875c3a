import { entraError } from "./errors.ts";

/** What the `claims` parameter asks of a sign-in or an exchange: https://learn.microsoft.com/entra/identity-platform/claims-challenge */
export interface ClaimsRequest {
  /** Authentication contexts to satisfy, such as multifactor authentication, which the access token then names in `acrs`. */
  readonly contexts: readonly string[];
  /** Whether the client says that it understands claims challenges. */
  readonly isCapable: boolean;
  /** Seconds since 1970: the sign-in must not be older. */
  readonly notBefore: number;
}

/** The context that stands for a policy asked for by its id: multifactor authentication. */
const POLICY_CONTEXT = "p1";

/** Reads a `claims` parameter. Throws EntraError when it is not the JSON of a claims request. */
export function claimsRequestOf(claims: string | null): ClaimsRequest {
  const { acrs, polids, nbf, xms_cc } = accessTokenClaims(claims);
  return {
    contexts: [...valuesOf(acrs), ...(polids === undefined ? [] : [POLICY_CONTEXT])],
    isCapable: valuesOf(xms_cc).some((value) => value.toLowerCase() === "cp1"),
    notBefore: Number(valuesOf(nbf)[0] ?? 0),
  };
}

function accessTokenClaims(claims: string | null): Readonly<Record<string, unknown>> {
  try {
    const request: unknown = JSON.parse(claims || "{}");
    const { access_token = {} } = request as { access_token?: object };
    return { ...access_token };
  } catch {
    throw entraError(90023, "invalid_request", "The claims parameter is not the JSON of a claims request.");
  }
}

/** `value` and `values` of one claim (OpenID Connect Core, 5.5.1). */
function valuesOf(claim: unknown): string[] {
  if (typeof claim !== "object" || claim === null) return [];
  const { value, values } = claim as { value?: unknown; values?: unknown };
  return [value ?? [], values ?? []].flat().map(String);
}
