import { AuthError } from "@azure/msal-node";
import { AppError, type ErrorCode } from "../errors.ts";
import { TokenEndpointError } from "./token-endpoint.ts";

/**
 * AADSTS numbers that say more than `error` and `suberror` do. Source:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const CODE_BY_NUMBER: ReadonlyMap<number, ErrorCode> = new Map([
  ...numbers("consent_required", 65001, 65004, 90094, 90095),
  ...numbers("token_expired", 500133),
  ...numbers("user_not_assigned", 50105),
  ...numbers("blocked_by_policy", 53000, 53001, 53003, 53004, 53011, 530032, 50057),
  ...numbers("misconfigured", 7000215, 7000222, 7000218, 700027, 70002, 700016, 7000112, 90002, 700011, 7000114),
  ...numbers("misconfigured", 90009, 1002012, 70011, 28002, 700022, 65005, 650057, 500011, 650052, 240002),
  ...numbers("throttled", 90055, 50196),
  ...numbers("identity_unavailable", 90033, 90006, 90024, 50033),
]);

/** OAuth errors that only the operator can mend: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const OPERATORS_ERRORS = new Set([
  "invalid_client",
  "unauthorized_client",
  "invalid_scope",
  "invalid_resource",
  "invalid_request",
  "unsupported_grant_type",
]);

/** Turns what an exchange threw into a failure with a code. What is neither Entra's nor MSAL's is returned as it is. */
export function exchangeFailure(error: unknown): unknown {
  if (error instanceof TokenEndpointError) {
    const { claims, retryAfterSeconds } = error;
    return new AppError(codeOf(error), {
      cause: error,
      hint: hintFor(error),
      ...(claims !== undefined && { claims }),
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    });
  }
  if (error instanceof AuthError) return new AppError("identity_unavailable", { cause: error });
  return error;
}

function codeOf({ status, errorCode, suberror, errorNumbers, claims }: TokenEndpointError): ErrorCode {
  if (status === 429) return "throttled";
  // No OAuth error at all: a proxy on the way, not Entra.
  if (status < 400 || status >= 500 || errorCode === "") return "identity_unavailable";
  if (claims !== undefined) return "claims_challenge";
  if (suberror === "consent_required" || errorCode === "consent_required") return "consent_required";
  for (const number of errorNumbers) {
    const code = CODE_BY_NUMBER.get(number);
    if (code !== undefined) return code;
  }
  if (OPERATORS_ERRORS.has(errorCode)) return "misconfigured";
  if (errorCode === "temporarily_unavailable") return "identity_unavailable";
  if (errorCode === "access_denied") return "blocked_by_policy";
  return "token_rejected";
}

function hintFor({ status, errorCode, suberror, errorNumbers, traceId }: TokenEndpointError): string {
  const numbered = errorNumbers.map((number) => `AADSTS${number}`).join(" ");
  return `Entra: ${[status, errorCode, suberror, numbered, traceId && `trace ${traceId}`].filter(Boolean).join(", ")}`;
}

function numbers(code: ErrorCode, ...values: number[]): [number, ErrorCode][] {
  return values.map((value) => [value, code]);
}
