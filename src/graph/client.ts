import { Client, type Context, GraphError, type Middleware } from "@microsoft/microsoft-graph-client";
import { AppError } from "../errors.ts";

const GRAPH_TIMEOUT_MS = 8000;

export interface GraphUser {
  /** Gives an access token for Graph, as the user; asked once per request to Graph. */
  graphToken(): Promise<string>;
  /** Sent to Graph as `client-request-id`. */
  readonly correlationId: string;
}

/**
 * A Microsoft Graph client that acts as one user. A request ends after 8 s; nothing is retried.
 * What its calls throw is a `GraphError`: `graphFailure` says what it means.
 */
export function createGraphClient(user: GraphUser): Client {
  return Client.initWithMiddleware({ middleware: new UserTransport(user) });
}

/**
 * Failures by the headers of the answer that stands for them. The Graph client wraps whatever its middleware throws and
 * drops the original, but its errors keep the headers object of the answer.
 */
const failures = new WeakMap<object, AppError>();

/** The whole middleware chain: the user's token, a time-out, one request. */
class UserTransport implements Middleware {
  readonly #user: GraphUser;

  constructor(user: GraphUser) {
    this.#user = user;
  }

  async execute(context: Context): Promise<void> {
    try {
      const graphToken = await this.#user.graphToken();
      context.response = await send(context, graphToken, this.#user.correlationId);
    } catch (error) {
      context.response = Response.json({ error: {} }, { status: 500 });
      failures.set(context.response.headers, error instanceof AppError ? error : unreachable(error));
    }
  }
}

function send({ request, options }: Context, graphToken: string, correlationId: string): Promise<Response> {
  const headers = new Headers(options?.headers as Record<string, string> | undefined);
  headers.set("authorization", `Bearer ${graphToken}`);
  headers.set("client-request-id", correlationId);
  return fetch(request, { ...options, headers, redirect: "error", signal: AbortSignal.timeout(GRAPH_TIMEOUT_MS) });
}

/** Turns what a Graph call threw into a failure with a code. Anything else is returned as it is. */
export function graphFailure(error: unknown): unknown {
  if (!(error instanceof GraphError)) return error;
  return failures.get(error.headers ?? error) ?? failureOf(error);
}

function failureOf({ statusCode, code, requestId, headers }: GraphError): AppError {
  const hint = `Graph: ${[statusCode, code, requestId && `request ${requestId}`].filter(Boolean).join(", ")}`;
  if (statusCode === 400) return new AppError("invalid_request", { hint });
  if (statusCode === 403) return new AppError("downstream_forbidden", { hint });
  if (statusCode === 504) return new AppError("downstream_timeout", { hint });
  if (statusCode !== 429 && statusCode !== 503) return new AppError("downstream_failed", { hint });
  const retryAfterSeconds = Number(headers?.get("retry-after") ?? Number.NaN);
  return new AppError("throttled", { hint, ...(retryAfterSeconds >= 0 && { retryAfterSeconds }) });
}

function unreachable(cause: unknown): AppError {
  const isTimeout = cause instanceof Error && cause.name === "TimeoutError";
  return new AppError(isTimeout ? "downstream_timeout" : "downstream_failed", { cause });
}
