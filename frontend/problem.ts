import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Failure, type FailureCode } from "./failure.ts";
import { isPublicHttps, publicHosts } from "./public-address.ts";

interface ProblemText {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

const PROBLEMS = {
  no_access_token: {
    status: 401,
    title: "Nobody is signed in",
    detail: "The request carries no user's access token. Sign in and try again.",
  },
  sign_in_refused: {
    status: 401,
    title: "The API refused your sign-in",
    detail: "The API's sign-in check did not accept your access token. It gave no reason.",
  },
  app_refused: {
    status: 403,
    title: "The API refused this app",
    detail: "The API's gate does not let this app, or your account, in. It gave no reason.",
  },
  cross_site_request: {
    status: 403,
    title: "Request from another site refused",
    detail: "A page of another site tried to change something here. Open this app itself and try again.",
  },
  no_such_address: { status: 404, title: "Not found", detail: "There is nothing at this address." },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    detail: "This address does not answer this method. The Allow header lists those it does.",
  },
  frontend_failed: {
    status: 500,
    title: "Something went wrong",
    detail: "The failure has been logged. Try again later.",
  },
  api_unreachable: {
    status: 502,
    title: "The API cannot be reached",
    detail: "The API behind this app did not answer. Try again in a moment.",
  },
  api_timeout: {
    status: 504,
    title: "The API took too long",
    detail: "The API behind this app did not answer in time. Try again in a moment.",
  },
} as const satisfies Record<FailureCode, ProblemText>;

/** Takes one line of the operator's log. */
export type Log = (line: string) => void;

/**
 * Answers a failure as problem+json (RFC 9457) and logs it when an operator can do something about it.
 * The answer never shows the error's own message. Once the response has begun it can only be broken off.
 */
export function answerFailure(request: IncomingMessage, response: ServerResponse, error: unknown, log: Log): void {
  if (response.destroyed && !response.headersSent) return; // the client left, there is nobody to answer
  const failure = error instanceof Failure ? error : new Failure("frontend_failed", { cause: error });
  const { status, title, detail } = PROBLEMS[failure.code];
  const correlationId = randomUUID();
  if (status >= 500 || failure.hint) log(logLine(failure, status, correlationId));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const type = problemType(request, failure.code);
  const body = JSON.stringify({ type, title, status, detail, code: failure.code, correlationId });
  response.writeHead(status, {
    ...failure.headers,
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
    "content-type": "application/problem+json",
    "x-correlation-id": correlationId,
  });
  response.end(body);
}

/** Returns the address of the code's entry in the page of this server, at the same path as the API's. */
function problemType(request: IncomingMessage, code: FailureCode): string {
  const [host] = publicHosts(request);
  const origin = host === undefined ? "" : `${isPublicHttps(request) ? "https" : "http"}://${host}`;
  return `${origin}/api/errors#${code}`;
}

function logLine({ code, hint, cause }: Failure, status: number, correlationId: string): string {
  // A refused connection to a name with two addresses has a code, but no message.
  const { code: reason, message } = (cause ?? {}) as NodeJS.ErrnoException;
  return JSON.stringify({ level: "error", code, status, correlationId, hint, reason, message });
}
