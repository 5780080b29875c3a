import { Client, GraphClientError, GraphError } from "@microsoft/microsoft-graph-client";
import type { AppError } from "../../errors.ts";
import { downstreamFailure } from "../failure.ts";
import { type GraphUser, UserTransport } from "./transport.ts";

/** A Microsoft Graph client that acts as one user. What its calls throw, `graphFailure` explains. */
export function createGraphClient(user: GraphUser): Client {
  return Client.initWithMiddleware({ baseUrl: `${user.graphOrigin}/`, middleware: new UserTransport(user) });
}

/** Turns what a Graph call threw into a failure with a code. Anything else is returned as it is. */
export function graphFailure(error: unknown): unknown {
  if (error instanceof GraphClientError) return error.customError ?? error;
  return error instanceof GraphError ? failureOf(error) : error;
}

function failureOf({ statusCode, code, requestId, headers }: GraphError): AppError {
  // The request's time was up while the answer was being read.
  const status = code === "AbortError" ? 504 : statusCode;
  return downstreamFailure({ status, service: "Graph", code, requestId, retryAfter: headers?.get("retry-after") });
}
