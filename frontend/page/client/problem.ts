/** Reason why a call failed: the API's problem+json (RFC 9457), or our own words when there is none. */
export interface Problem {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Stable: switch on it, not on the words. */
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Address where people read about the code, when a server gave one. Not checked. */
  readonly type?: string;
  readonly correlationId?: string;
  /**
   * Address where an administrator can grant consent for the whole organization. Not checked: show it only if it is
   * https.
   */
  readonly adminConsentUrl?: string;
  /** Seconds that the service asks to wait: `Retry-After`, or `retryAfter` of the body where CORS hides the header. */
  readonly retryAfterSeconds?: number;
  /** JSON of the claims that another sign-in has to ask for: from `WWW-Authenticate`, or from the body likewise. */
  readonly claims?: string;
}

/** Error that `fetchAsUser` throws. Its message holds the code, its `problem` what to show. */
export class RequestProblem extends Error {
  override readonly name = "RequestProblem";
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.code, options);
    this.problem = problem;
  }
}

/** Problem of a session that has ended: the gate answers with a redirect to the sign-in page. */
export const SESSION_ENDED: Problem = {
  status: 401,
  code: "session_ended",
  title: "Your session has ended",
  detail: "This app does not know you any more: your session expired, or you signed out.",
};

/** Problem of a 401 without problem+json: of a gate, or of a server that gives no reason. */
const SIGN_IN_REFUSED: Problem = {
  status: 401,
  code: "sign_in_refused",
  title: "Your sign-in was refused",
  detail: "The server did not accept your sign-in. It gave no reason.",
};

/** Problem of a redirect although the session is good: it is the API's own. */
export const REDIRECTED: Problem = {
  status: 0,
  code: "redirected",
  title: "The answer is somewhere else",
  detail: "The server redirects to another address, which a script cannot follow. Open it as a link.",
};

/** Not a failure: the browser is leaving for the sign-in page. */
export const SIGNING_IN: Problem = {
  status: 401,
  code: "signing_in",
  title: "Taking you to the sign-in page",
  detail: "You come back to where you were.",
};

/** Returns the problem of a `fetch` that failed itself. */
export function connectionProblem(error: unknown): Problem {
  if ((error as Error | undefined)?.name === "TimeoutError") {
    return { status: 0, code: "timed_out", title: "No answer", detail: "The server did not answer in time." };
  }
  return globalThis.navigator?.onLine === false
    ? { status: 0, code: "offline", title: "You are offline", detail: "This device has no connection at the moment." }
    : { status: 0, code: "unreachable", title: "No connection", detail: "The server could not be reached." };
}

/** Returns the problem of an answer that is not as expected, for example a proxy's own error page. */
export function unexpectedAnswer(status: number): Problem {
  const detail = `The server answered with status ${status}, but not as this page expects.`;
  return { status, code: "unexpected_answer", title: "Unexpected answer", detail };
}

/** Returns the problem of a failed response. Never throws, whatever the body is. */
export async function problemFrom(response: Response): Promise<Problem> {
  // The only possible redirect leads to the sign-in page, which a script cannot follow.
  if (response.type === "opaqueredirect") return SESSION_ENDED;
  const { status, headers } = response;
  const body: unknown = await response.json().catch(() => undefined);
  const members = isRecord(body) ? body : {};
  const retryAfterSeconds = secondsFrom(headers.get("retry-after") ?? members.retryAfter);
  const claims = claimsFrom(headers.get("www-authenticate") ?? "") ?? claimsIn(members);
  return {
    ...(problemIn(body, status) ?? (status === 401 ? SIGN_IN_REFUSED : unexpectedAnswer(status))),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(status === 401 && claims !== undefined && { claims }),
  };
}

function problemIn(body: unknown, status: number): Problem | undefined {
  if (!isRecord(body) || typeof body.code !== "string" || typeof body.title !== "string") return undefined;
  const { type, code, title, detail, correlationId, adminConsentUrl } = body;
  return {
    status,
    code,
    title,
    detail: typeof detail === "string" ? detail : "",
    ...(typeof type === "string" && { type }),
    ...(typeof correlationId === "string" && { correlationId }),
    ...(typeof adminConsentUrl === "string" && { adminConsentUrl }),
  };
}

/** Seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
function secondsFrom(retryAfter: unknown): number | undefined {
  if (typeof retryAfter !== "string" && typeof retryAfter !== "number") return undefined;
  const seconds = /^[\d.]+$/.test(String(retryAfter))
    ? Number(retryAfter)
    : Math.ceil((Date.parse(String(retryAfter)) - Date.now()) / 1000);
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : undefined;
}

/**
 * Reads the claims of a challenge:
 * https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
 */
function claimsFrom(wwwAuthenticate: string): string | undefined {
  if (!/\berror="?insufficient_claims\b/.test(wwwAuthenticate)) return undefined;
  try {
    return jsonObject(atob(/\bclaims="?([\w+/=-]+)/.exec(wwwAuthenticate)?.[1] ?? ""));
  } catch {
    return undefined;
  }
}

function claimsIn({ code, claims }: Record<string, unknown>): string | undefined {
  return code === "claims_challenge" && typeof claims === "string" ? jsonObject(claims) : undefined;
}

/** Returns the text itself when it is the JSON of an object. */
function jsonObject(text: string): string | undefined {
  try {
    return isRecord(JSON.parse(text)) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a parsed JSON value is an object whose members can be looked at. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
