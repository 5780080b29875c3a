/** Why a request got no answer: the API's problem+json, or our own words when there is none. */
export interface Problem {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly correlationId?: string;
  /** Where an administrator can grant consent for the whole organization. Not checked: see `remedy.ts`. */
  readonly adminConsentUrl?: string;
}

/** The sign-in ended while the page was open: the gate answers with a redirect to the sign-in page, or with a bare 401. */
export const SESSION_ENDED: Problem = {
  status: 401,
  code: "not_signed_in",
  title: "Your session has ended",
  detail: "You have been away for a while. Sign in again to go on.",
};

export const UNREACHABLE: Problem = {
  status: 0,
  code: "unreachable",
  title: "No connection",
  detail: "The server could not be reached. Check your connection and try again.",
};

/** The problem a failed response tells of. Never throws, whatever the body is. */
export async function problemFrom(response: Response): Promise<Problem> {
  const { status } = response;
  const body: unknown = await response.json().catch(() => undefined);
  if (isRecord(body) && typeof body.code === "string" && typeof body.title === "string") {
    return {
      status,
      code: body.code,
      title: body.title,
      detail: typeof body.detail === "string" ? body.detail : "",
      ...(typeof body.correlationId === "string" && { correlationId: body.correlationId }),
      ...(typeof body.adminConsentUrl === "string" && { adminConsentUrl: body.adminConsentUrl }),
    };
  }
  return status === 401 ? SESSION_ENDED : unexpectedAnswer(status);
}

/** An answer that makes no sense here, for example a proxy's own error page. */
export function unexpectedAnswer(status: number): Problem {
  return {
    status,
    code: "unexpected_answer",
    title: "Unexpected answer",
    detail: `The server answered with status ${status}, but not as this page expects. Try again in a moment.`,
  };
}

/** Whether a parsed JSON value is an object whose members can be looked at. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
