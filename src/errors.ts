/**
 * The codes of all failures. `http/problem.ts` gives each its status, title and text; a code that is missing there does
 * not compile.
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
  | "conflict"
  | "precondition_failed"
  | "range_not_satisfiable"
  | "downstream_failed"
  | "downstream_timeout"
  | "throttled"
  | "overloaded"
  | "identity_unavailable"
  | "misconfigured"
  | "internal_error";

/** Options of every failure. */
export interface FailureOptions {
  /** The failure that led to this one, for the log. */
  readonly cause?: unknown;
  /** Text for the client instead of the code's own. Our words only, never those of another service. */
  readonly detail?: string;
  /** Advice for the operator, in the log: what to look at or fix. Holds no token, secret or claim value. */
  readonly hint?: string;
  /** The failed service's own id of the request, for the log: Entra's trace id, Graph's request id. */
  readonly serviceRequestId?: string | undefined;
  /** Address at the authority where another sign-in begins, for the challenge of a 401. */
  readonly authorizationUri?: string | undefined;
  /** Headers of the answer, beside those that the code itself has. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Seconds the client should wait; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number | undefined;
}

export interface ClaimsChallengeOptions extends FailureOptions {
  /** JSON of a claims request: what the next sign-in has to satisfy. */
  readonly claims: string;
}

export interface ConsentOptions extends FailureOptions {
  /** Resource whose scopes lack consent. */
  readonly resource?: string | undefined;
  /** Address at the authority where an administrator grants consent to this app. */
  readonly adminConsentUrl?: string | undefined;
}

type AppErrorArguments =
  | [code: "claims_challenge", options: ClaimsChallengeOptions]
  | [code: "consent_required", options?: ConsentOptions]
  | [code: Exclude<ErrorCode, "claims_challenge">, options?: FailureOptions];

/**
 * A failure with a known answer. Endpoints throw it to refuse a request: `throw new AppError("not_found")`. Anything else
 * that is thrown is a bug, answered as `internal_error`.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  readonly serviceRequestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly claims: string | undefined;
  readonly authorizationUri: string | undefined;
  readonly resource: string | undefined;
  readonly adminConsentUrl: string | undefined;

  constructor(...[code, options = {}]: AppErrorArguments) {
    super(code, options);
    const { cause, ...others } = options;
    Object.assign(this, others);
    this.code = code;
  }
}

/** Returns a code or id that another service sent, for the log; undefined unless it is a single word, for other text could say anything. */
export function loggableWord(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.-]{1,80}$/.test(value) ? value : undefined;
}
