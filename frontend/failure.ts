/**
 * Codes of the failures of this server itself. Status and text of each are in `problem.ts`, more in
 * `docs/frontend-errors.md`.
 */
export type FailureCode =
  | "no_access_token"
  | "sign_in_refused"
  | "app_refused"
  | "cross_site_request"
  | "no_such_address"
  | "method_not_allowed"
  | "api_unreachable"
  | "api_timeout"
  | "frontend_failed";

export interface FailureOptions extends ErrorOptions {
  /** Headers sent with the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Advice for the operator's log: what to look at or fix. Holds no token. */
  readonly hint?: string;
}

/** A failure with a known answer. Any other error is a bug, answered as `frontend_failed`. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly hint: string | undefined;

  constructor(code: FailureCode, options: FailureOptions = {}) {
    super(code, options);
    this.code = code;
    this.headers = options.headers ?? {};
    this.hint = options.hint;
  }
}
