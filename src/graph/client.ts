import { Client, GraphClientError, GraphError } from "@microsoft/microsoft-graph-client";
import { AppError, wordOf } from "../errors.ts";
import { retryAfterOf } from "../http/outgoing.ts";
import { type GraphUser, UserTransport } from "./transport.ts";

/** A Microsoft Graph client that acts as one user. What its calls throw, `graphFailure` explains. */
export function createGraphClient(user: GraphUser): Client {
  return Client.initWithMiddleware({ middleware: new UserTransport(user) });
}

/** Turns what a Graph call threw into a failure with a code. Anything else is returned as it is. */
export function graphFailure(error: unknown): unknown {
  if (error instanceof GraphClientError) return error.customError ?? error;
  return error instanceof GraphError ? failureOf(error) : error;
}

function failureOf({ statusCode, code, requestId, headers }: GraphError): AppError {
  const request = wordOf(requestId);
  const hint = `Graph: ${[statusCode, wordOf(code), request && `request ${request}`].filter(Boolean).join(", ")}`;
  if (statusCode === 400) return new AppError("invalid_request", { hint });
  if (statusCode === 403) return new AppError("downstream_forbidden", { hint });
  if (statusCode === 404) return new AppError("not_found", { hint });
  // The request's time was up while the answer was being read.
  if (statusCode === 504 || code === "AbortError") return new AppError("downstream_timeout", { hint });
  if (statusCode !== 429 && statusCode !== 503) return new AppError("downstream_failed", { hint });
  const retryAfterSeconds = retryAfterOf(headers?.get("retry-after"));
  return new AppError("throttled", { hint, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
}
