import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { AppError } from "../errors.ts";
import { problemResponse, statusOf, toAppError } from "./problem.ts";

/** A handler that answers or throws; `correlationId` names this request here, in Entra's logs and in Graph's. */
export type EndpointHandler = (
  request: HttpRequest,
  context: InvocationContext,
  correlationId: string,
) => Promise<HttpResponseInit>;

/**
 * Makes a Functions handler out of one that may throw: the one place that catches, logs and answers failures.
 * Nothing may escape: an exception that leaves an HTTP trigger can hang the local host until its time-out
 * (https://github.com/Azure/azure-functions-core-tools/issues/3697).
 */
export function endpoint(handler: EndpointHandler): HttpHandler {
  return async (request, context) => {
    const correlationId = correlationIdOf(context);
    try {
      return withHeaders(await handler(request, context, correlationId), correlationId);
    } catch (thrown) {
      const error = toAppError(thrown);
      logFailure(context, error, correlationId);
      return withHeaders(problemResponse(error, correlationId), correlationId);
    }
  };
}

/** Answers are one user's own: no cache may keep them unless the handler says otherwise. */
function withHeaders(response: HttpResponseInit, correlationId: string): HttpResponseInit {
  const headers = { "cache-control": "private, no-store", ...response.headers, "x-correlation-id": correlationId };
  return { ...response, headers };
}

/** The trace id of the request (https://www.w3.org/TR/trace-context/#trace-id), written as the GUID Entra and Graph take. */
function correlationIdOf({ traceContext, invocationId }: InvocationContext): string {
  const traceId = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceContext?.traceParent ?? "")?.[1];
  return traceId?.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") ?? invocationId;
}

/** One line for a failure. Names, codes and stack frames only: the messages of libraries may hold tokens and claims. */
function logFailure(context: InvocationContext, error: AppError, correlationId: string): void {
  const status = statusOf(error);
  const entry = { code: error.code, status, correlationId, hint: error.hint, cause: describe(error.cause) };
  if (status >= 500) context.error(JSON.stringify(entry));
  else context.warn(JSON.stringify(entry));
}

function describe(cause: unknown): object | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { code, errorCode } = cause as { code?: unknown; errorCode?: unknown };
  const frames = cause.stack?.split("\n").filter((line) => /^\s+at /.test(line));
  return { name: cause.name, code: code ?? errorCode, at: frames?.slice(0, 5).map((line) => line.trim()) };
}
