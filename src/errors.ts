/**
 * Every way a request can fail. Status, title and text of each are in `http/problem.ts`: a code that is missing there
 * does not compile.
 */
export type ErrorCode =
  | "invalid_request"
  | "not_signed_in"
  | "token_expired"
  | "token_rejected"
  | "tenant_not_allowed"
  | "claims_challenge"
  | "insufficient_scope"
  | "consent_required"
  | "blocked_by_policy"
  | "user_not_assigned"
  | "downstream_forbidden"
  | "not_found"
  | "range_not_satisfiable"
  | "downstream_failed"
  | "downstream_timeout"
  | "throttled"
  | "overloaded"
  | "identity_unavailable"
  | "misconfigured"
  | "internal_error";

export interface AppErrorOptions extends ErrorOptions {
  /** Shown to the caller instead of the code's own text. Our words only, never those of another service. */
  readonly detail?: string;
  /** For the operator's log: what to look at or fix. Holds no token, secret or claim value. */
  readonly hint?: string;
  /** For the log: what the service that failed calls the request. Entra's trace id, Graph's request id. */
  readonly serviceRequestId?: string | undefined;
  /** Seconds the caller should wait, for the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  /** What another sign-in has to satisfy: the JSON of a claims request, for `claims_challenge`. */
  readonly claims?: string;
  /** Where the user, or their administrator, can do something about it. */
  readonly remedy?: Remedy;
  /** Whose permission is missing, for `consent_required`: the resource of the scopes that our own code names. */
  readonly resource?: string | undefined;
}

/** Addresses at the authority. */
export interface Remedy {
  /** For `claims_challenge`: where another sign-in begins. */
  readonly authorizationUri?: string;
  /** For `consent_required`: where an administrator of the user's tenant grants consent to this app. */
  readonly adminConsentUrl?: string;
}

/** A failure with a known answer. Whatever else is thrown is a bug and answered as `internal_error`. */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly serviceRequestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly claims: string | undefined;
  readonly remedy: Remedy;
  readonly resource: string | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(code, options);
    this.code = code;
    this.detail = options.detail;
    this.hint = options.hint;
    this.serviceRequestId = options.serviceRequestId;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.claims = options.claims;
    this.remedy = options.remedy ?? {};
    this.resource = options.resource;
  }
}

/** A code or id that another service sent, for the log; undefined when it is not a single word, for then it could say anything. */
export function wordOf(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.-]{1,80}$/.test(value) ? value : undefined;
}
