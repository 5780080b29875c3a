/** Parts of every answer to a failure. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  /** Value of `error` in the `Bearer` challenge: https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
  readonly challenge?: "invalid_token" | "insufficient_scope" | "insufficient_claims";
}

/**
 * Status and title of each code. 401: another sign-in can help. 403: the same sign-in again cannot.
 * `http/problem-details.json` has the text of each; a code that is missing there does not compile.
 */
export const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is not valid" },
  not_signed_in: { status: 401, title: "Nobody is signed in" },
  token_expired: { status: 401, title: "The sign-in has expired", challenge: "invalid_token" },
  token_rejected: { status: 401, title: "The access token is not accepted", challenge: "invalid_token" },
  tenant_not_allowed: { status: 403, title: "Your organization does not use this app" },
  claims_challenge: { status: 401, title: "Another sign-in step is needed", challenge: "insufficient_claims" },
  insufficient_scope: { status: 403, title: "The access token lacks a permission", challenge: "insufficient_scope" },
  consent_required: { status: 403, title: "An administrator's consent is missing" },
  blocked_by_policy: { status: 403, title: "Your organization's policy blocks access" },
  user_not_assigned: { status: 403, title: "You are not assigned to this app" },
  downstream_forbidden: { status: 403, title: "You are not allowed to see this" },
  not_found: { status: 404, title: "Not found" },
  conflict: { status: 409, title: "Not possible as things are" },
  precondition_failed: { status: 412, title: "Precondition failed" },
  range_not_satisfiable: { status: 416, title: "Range not satisfiable" },
  downstream_failed: { status: 502, title: "The service behind this API failed" },
  downstream_timeout: { status: 504, title: "The service behind this API took too long" },
  throttled: { status: 503, title: "Too many requests at the moment" },
  overloaded: { status: 503, title: "The service is busy" },
  identity_unavailable: { status: 503, title: "Sign-in is not available at the moment" },
  misconfigured: { status: 500, title: "This API is not set up correctly" },
  internal_error: { status: 500, title: "Something went wrong in this API" },
} as const satisfies Readonly<Record<string, Problem>>;

/** The codes of all failures. */
export type ErrorCode = keyof typeof PROBLEMS;

/** Options of every failure. */
export interface FailureOptions {
  /** The failure that led to this one, for the log. */
  readonly cause?: unknown;
  /** Text for the client instead of the code's own. Holds no word of another service but its error code. */
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
 * A failure with a known answer. Endpoints throw it to refuse a request: `throw new AppError("not_found")`. Other errors are
 * bugs, answered as `internal_error`, except those of Graph's client and the Azure SDK, which are made into an `AppError`.
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

/** Returns a code or id of another service, for the log; undefined unless it is a single word: other text could say anything. */
export function loggableWord(value: unknown): string | undefined {
  return typeof value === "string" && /^[\w.-]{1,80}$/.test(value) ? value : undefined;
}
