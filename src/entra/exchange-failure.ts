import { AuthError, ClientConfigurationError } from "@azure/msal-node";
import { AppError, type ErrorCode, loggableWord } from "../errors.ts";
import type { SignInLinks } from "../user.ts";
import { TokenEndpointError } from "./msal-network.ts";

/**
 * Codes by AADSTS number, for numbers that say more than the `invalid_grant` or `interaction_required` beside them. Source:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const CODE_BY_NUMBER: ReadonlyMap<number, ErrorCode> = new Map([
  ...entries("consent_required", 65001, 65004, 90094, 90095),
  ...entries("token_expired", 500133),
  ...entries("user_not_assigned", 50105),
  ...entries("blocked_by_policy", 53000, 53001, 53003, 53004, 53011, 530032, 50057),
  ...entries("misconfigured", 7000114, 90009, 28002, 700022, 65005, 650057, 500011, 650052, 240002),
  ...entries("throttled", 90055, 50196),
  ...entries("identity_unavailable", 90033, 90006, 90024, 50033),
]);

/** All AADSTS numbers above; a test compares docs/errors.md with them. */
export const KNOWN_NUMBERS: readonly number[] = [...CODE_BY_NUMBER.keys()];

/** Codes by OAuth error, when no number says more: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const CODE_BY_ERROR: ReadonlyMap<string, ErrorCode> = new Map([
  ...entries("token_rejected", "invalid_grant", "interaction_required", "login_required", "bad_token"),
  ...entries("consent_required", "consent_required"),
  ...entries("blocked_by_policy", "access_denied"),
  ...entries("misconfigured", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource"),
  ...entries("misconfigured", "invalid_request", "unsupported_grant_type"),
]);

/** Turns an error of an exchange for a resource into a failure with a code. Returns errors of neither Entra nor MSAL unchanged. */
export function exchangeFailure(error: unknown, links: SignInLinks, resource?: string): unknown {
  if (error instanceof TokenEndpointError) return refusalOf(error, links, resource);
  // MSAL's own: it refuses an option.
  if (error instanceof ClientConfigurationError) return new AppError("misconfigured", { cause: error });
  if (error instanceof AuthError) return new AppError("identity_unavailable", { cause: error });
  return error;
}

function refusalOf(error: TokenEndpointError, links: SignInLinks, resource: string | undefined): AppError {
  const { claims, retryAfterSeconds } = error;
  const options = {
    cause: error,
    hint: hintFor(error),
    serviceRequestId: loggableWord(error.traceId),
    retryAfterSeconds,
  };
  const code = codeOf(error);
  if (code === "claims_challenge") {
    return new AppError(code, { ...options, claims: claims ?? "", authorizationUri: links.authorizationUri });
  }
  if (code !== "consent_required") return new AppError(code, options);
  return new AppError(code, { ...options, resource, adminConsentUrl: links.adminConsentUrl });
}

function codeOf({ status, errorCode, suberror, errorNumbers, claims }: TokenEndpointError): ErrorCode {
  if (status === 429) return "throttled";
  if (status < 400 || status >= 500) return "identity_unavailable";
  const numbered = errorNumbers.map((number) => CODE_BY_NUMBER.get(number)).find((code) => code !== undefined);
  // Entra sends claims with a block too, but no sign-in satisfies them.
  if (numbered === "blocked_by_policy" || suberror === "message_only") return "blocked_by_policy";
  if (claims !== undefined) return "claims_challenge";
  if (suberror === "consent_required") return "consent_required";
  // An unknown error, or none: a proxy on the way, or Entra itself in trouble.
  return numbered ?? CODE_BY_ERROR.get(errorCode) ?? "identity_unavailable";
}

function hintFor({ status, errorCode, suberror, errorNumbers }: TokenEndpointError): string {
  const words = [errorCode, suberror, ...errorNumbers.map((number) => `AADSTS${number}`)].map(loggableWord);
  return `Entra: ${[status, ...words].filter(Boolean).join(", ")}`;
}

function entries<Key>(code: ErrorCode, ...keys: Key[]): [Key, ErrorCode][] {
  return keys.map((key) => [key, code]);
}
