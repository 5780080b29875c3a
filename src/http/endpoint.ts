import {
  type HttpHandler,
  type HttpRequest,
  HttpResponse,
  type HttpResponseInit,
  type InvocationContext,
} from "@azure/functions";
import { AppError, loggableWord } from "../errors.ts";
import { inTraceOf, withSpan } from "../telemetry/telemetry.ts";
import { JsonResponse } from "./json-response.ts";
import { problemResponse, statusOf } from "./problem.ts";

/** Form of a `traceparent`, with its trace id in the five groups of a GUID. */
const TRACE_PARENT = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})-.*/s;

/** Statuses of answers without a body (https://fetch.spec.whatwg.org/#null-body-status). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** A handler that answers or throws. `correlationId` is the id of the request here, in Entra's logs and in Graph's. */
export type EndpointHandler = (
  request: HttpRequest,
  context: InvocationContext,
  correlationId: string,
) => Promise<HttpResponseInit | HttpResponse>;

/**
 * Makes a Functions handler out of one that may throw: the one place that catches, logs and answers failures.
 * Nothing may escape: an exception that leaves an HTTP trigger can hang the local host until its time-out
 * (https://github.com/Azure/azure-functions-core-tools/issues/3697). So the answer is made into a response here too:
 * a body that cannot be written as JSON is a failure like any other.
 */
export function endpoint(handler: EndpointHandler): HttpHandler {
  return async (request, context) => {
    const correlationId = correlationIdOf(context);
    try {
      return await inTraceOf(context.traceContext, () =>
        withSpan({ name: context.functionName, attributes: { correlationId } }, async () =>
          responseOf(await handler(request, context, correlationId), correlationId),
        ),
      );
    } catch (thrown) {
      // Anything but an AppError is a bug, whose text stays here.
      const error = thrown instanceof AppError ? thrown : new AppError("internal_error", { cause: thrown });
      logFailure(context, error, correlationId);
      return responseOf(problemResponse(error, request.url, correlationId), correlationId);
    }
  };
}

/** Makes the response. No cache keeps it unless the handler says so, since it is one user's own; no browser guesses its type. */
function responseOf(answer: HttpResponseInit | HttpResponse, correlationId: string): HttpResponse {
  const hasJson = "jsonBody" in answer && answer.jsonBody !== undefined && !WITHOUT_BODY.has(answer.status ?? 200);
  const Kind = hasJson ? JsonResponse : HttpResponse;
  const response = answer instanceof HttpResponse ? answer : new Kind(answer);
  const { headers } = response;
  if (!headers.has("cache-control")) headers.set("cache-control", "private, no-store");
  headers.set("x-content-type-options", "nosniff");
  headers.set("x-correlation-id", correlationId);
  return response;
}

/** Returns the trace id of the request (https://www.w3.org/TR/trace-context/#trace-id), as a GUID, which Entra and Graph take. */
function correlationIdOf({ traceContext, invocationId }: InvocationContext): string {
  const traceParent = traceContext?.traceParent ?? "";
  const traceId = traceParent.replace(TRACE_PARENT, "$1-$2-$3-$4-$5");
  return traceId === traceParent ? invocationId : traceId;
}

/** Logs a failure in one line of names, codes and stack frames: the messages of libraries may hold tokens and claims. */
function logFailure(context: InvocationContext, error: AppError, correlationId: string): void {
  const status = statusOf(error);
  const entry = {
    function: context.functionName,
    code: error.code,
    status,
    correlationId,
    hint: error.hint,
    serviceRequestId: error.serviceRequestId,
    cause: describe(error.cause),
  };
  if (status >= 500) context.error(JSON.stringify(entry));
  else context.warn(JSON.stringify(entry));
}

function describe(cause: unknown): object | undefined {
  if (!(cause instanceof Error)) return undefined;
  const { name, code, errorCode } = cause as { name?: unknown; code?: unknown; errorCode?: unknown };
  return { name: loggableWord(name), code: loggableWord(code) ?? loggableWord(errorCode), at: framesOf(cause) };
}

/** Returns the stack's frames without the message before them, which may have lines that look like frames. */
function framesOf({ stack, message }: Error): string[] | undefined {
  if (typeof stack !== "string" || typeof message !== "string" || !stack.includes(message)) return undefined;
  const frames = stack.slice(stack.indexOf(message) + message.length).split("\n");
  return frames
    .filter((line) => /^ +at .*:\d+:\d+\)?$/.test(line))
    .slice(0, 5)
    .map((line) => line.trim());
}
