import { AuthError, ClientConfigurationError } from "@azure/msal-node";
import { AppError, type ErrorCode, loggableWord } from "../errors.ts";
import type { SignInLinks } from "../user.ts";
import { TokenEndpointError } from "./msal-network.ts";

/** Codes of the OAuth errors that need no further detail: https://www.rfc-editor.org/rfc/rfc6749#section-5.2 */
const CODE_BY_ERROR: ReadonlyMap<string, ErrorCode> = new Map([
  ...entries("consent_required", "consent_required"),
  ...entries("misconfigured", "invalid_client", "unauthorized_client", "invalid_scope", "invalid_resource"),
  ...entries("misconfigured", "unsupported_grant_type"),
]);

/**
 * Codes of the AADSTS numbers that refine one of the other errors: failures that another sign-in does not cure, and
 * temporary ones. What the list leaves out: docs/errors.md. Source:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const CODE_BY_NUMBER: ReadonlyMap<number, ErrorCode> = new Map([
  ...entries("consent_required", 65001, 65004, 90008, 90094, 90095, 90099),
  ...entries("token_expired", 500133),
  ...entries("user_not_assigned", 50105, 16000, 16003, 50014, 50020, 50034, 500208, 500571, 51004, 90072),
  ...entries("blocked_by_policy", 50002, 50005, 50053, 50057, 50131, 50177, 50178, 500021, 500022, 500212, 500213),
  ...entries("blocked_by_policy", 53000, 53001, 53002, 53003, 53004, 53009, 53010, 53011),
  ...entries("blocked_by_policy", 530003, 530032, 530034, 530035, 54000, 1000104),
  ...entries("misconfigured", 7000112, 7000114, 90009, 28002, 700022, 65005, 650057, 500011, 650052, 240002),
  ...entries("misconfigured", 50001, 50194, 650054, 650056, 900382, 900432),
  ...entries("throttled", 90055, 50196),
  ...entries("identity_unavailable", 90033, 90006, 90012, 90024, 90090, 90091, 50033, 50087),
]);

/** All AADSTS numbers with a code of their own; a test compares docs/errors.md with them. */
export const KNOWN_NUMBERS: readonly number[] = [...CODE_BY_NUMBER.keys()];

/** Codes of the other errors, when no number refines them. */
const CODE_WITHOUT_NUMBER: ReadonlyMap<string, ErrorCode> = new Map([
  ...entries("token_rejected", "invalid_grant", "interaction_required", "login_required", "bad_token"),
  ...entries("blocked_by_policy", "access_denied"),
  ...entries("misconfigured", "invalid_request"),
]);

/**
 * Turns an error of an exchange for a resource into a failure with a code. Returns one that is neither Entra's nor MSAL's
 * unchanged.
 */
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
    authorizationUri: links.authorizationUri,
  };
  const code = codeOf(error);
  if (code === "claims_challenge") return new AppError(code, { ...options, claims: claims ?? "" });
  if (code !== "consent_required") return new AppError(code, options);
  return new AppError(code, { ...options, resource, adminConsentUrl: links.adminConsentUrl });
}

function codeOf({ status, errorCode, subError, errorNumbers, claims }: TokenEndpointError): ErrorCode {
  if (status === 429) return "throttled";
  if (status < 400 || status >= 500) return "identity_unavailable";
  // Entra only has a message for the user; no sign-in satisfies claims that may come with it.
  if (subError === "message_only") return "blocked_by_policy";
  // Also for a device that is not compliant: a new sign-in may show that it is by then.
  if (claims !== undefined) return "claims_challenge";
  if (subError === "consent_required") return "consent_required";
  const known = CODE_BY_ERROR.get(errorCode);
  if (known !== undefined) return known;
  const numbered = errorNumbers.map((number) => CODE_BY_NUMBER.get(number)).find((code) => code !== undefined);
  // An unknown error, or none: a proxy on the way, or Entra itself in trouble.
  return numbered ?? CODE_WITHOUT_NUMBER.get(errorCode) ?? "identity_unavailable";
}

function hintFor({ status, errorCode, subError, errorNumbers }: TokenEndpointError): string {
  const words = [errorCode, subError, ...errorNumbers.map((number) => `AADSTS${number}`)].map(loggableWord);
  return `Entra: ${[status, ...words].filter(Boolean).join(", ")}`;
}

function entries<Key>(code: ErrorCode, ...keys: Key[]): [Key, ErrorCode][] {
  return keys.map((key) => [key, code]);
}
