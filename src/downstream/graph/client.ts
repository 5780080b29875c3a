import { Client, type Context, GraphClientError, GraphError, type Middleware } from "@microsoft/microsoft-graph-client";
import { AppError } from "../../errors.ts";
import { jsonIn, membersOf } from "../../outgoing/json.ts";
import type { SignedInUser } from "../../user.ts";
import { AnswerHeaders } from "../answer-headers.ts";
import { errorCodeIn, MAX_ERROR_BYTES } from "../error-body.ts";
import { downstreamFailure } from "../failure.ts";
import { callAs, type Service, type ServiceAnswer, type UserCall } from "../user-call.ts";

/**
 * Makes a Microsoft Graph client that acts as one user. `graphFailure` explains what its calls throw.
 *
 * @param graphOrigin without a slash at the end
 */
export function createGraphClient(user: SignedInUser, graphOrigin: string): Client {
  const graph = { name: "Graph", origin: graphOrigin, resource: graphOrigin, mayLeadElsewhere: true };
  return Client.initWithMiddleware({ baseUrl: `${graphOrigin}/`, middleware: transportOf(user, graph) });
}

/**
 * Makes the whole middleware chain of the Graph client. The default chain has no time-out, its waits cannot be interrupted,
 * and its options could name another user's token.
 */
function transportOf(user: SignedInUser, graph: Service): Middleware {
  return {
    execute: async (context) => {
      try {
        const answer = await callAs(user, graph, callOf(context));
        const isSuccess = answer.status >= 200 && answer.status < 300;
        context.response = (isSuccess ? successOf(answer) : await refusalOf(answer)) as Response;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        // The Graph client keeps only errors of its own class that a middleware throws.
        throw Object.assign(new GraphClientError(error.code), { customError: error });
      }
    },
  };
}

function callOf({ request, options = {} }: Context): UserCall {
  const headers = (options.headers ?? {}) as Record<string, string>;
  return {
    url: typeof request === "string" ? request : request.url,
    method: options.method ?? "GET",
    headers: Object.keys(headers).length > 0 ? headers : undefined,
    body: options.body as UserCall["body"],
  };
}

/** Makes the part of a `Response` that the Graph client reads of a success. */
function successOf({ status, headers: all, body, bytes }: ServiceAnswer): unknown {
  const headers = new AnswerHeaders(all);
  return {
    ...{ status, ok: true, headers, body },
    json: async () => withoutError(JSON.parse((await bytes()).toString())),
    text: async () => (await bytes()).toString(),
    blob: async () => new Blob([await bytes()], { type: headers.get("content-type") ?? "" }),
    arrayBuffer: async () => Uint8Array.from(await bytes()).buffer,
  };
}

/**
 * Makes the part of a `Response` that the Graph client reads of a failure. Reads the body at once and gives every reader the
 * same error, so that the client's error always has the status, the code and `Retry-After`.
 */
async function refusalOf({ status, headers: sent, bytes }: ServiceAnswer): Promise<unknown> {
  const content = String(await bytes(MAX_ERROR_BYTES).catch(() => ""));
  const body = errorIn(jsonIn(content));
  const read = async () => body;
  // The type for which the client calls `json()`.
  const headers = new AnswerHeaders({ ...sent, "content-type": "application/json" });
  return { status, ok: false, headers, body, json: read, blob: read, arrayBuffer: read, text: async () => content };
}

/** Makes an error body in the shape of https://learn.microsoft.com/graph/errors out of any other. */
function errorIn(body: unknown): object {
  const { message, innerError, innererror } = membersOf(membersOf(body).error);
  const inner = innerError ?? innererror;
  return {
    error: {
      code: errorCodeIn(body) ?? "",
      message: String(message ?? ""),
      ...(typeof inner === "object" && inner !== null && { innerError: inner }),
    },
  };
}

/** Returns the body of a success. Throws an Error, named by the service's code, when the body is nothing but an error. */
function withoutError(body: unknown): unknown {
  if (typeof body !== "object" || body === null || !("error" in body)) return body;
  const isError = Object.keys(body).length === 1 && typeof membersOf(body.error).code === "string";
  if (!isError) return body;
  throw Object.assign(new Error("Graph answered a success whose body is an error."), { name: errorCodeIn(body) });
}

/** Error codes for a user without a mailbox or a photo; some come with status 400. */
const WITHOUT_MAILBOX_OR_PHOTO: ReadonlySet<unknown> = new Set([
  ...["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox", "ErrorInvalidUser"],
  ...["ErrorMailboxNotFound", "ImageNotFound", "ResourceNotFound"],
]);

/** Turns an error of a Graph call into a failure with a code. Returns other errors unchanged. */
export function graphFailure(error: unknown): unknown {
  if (error instanceof GraphClientError) return error.customError ?? error;
  if (!(error instanceof GraphError)) return error;
  const { statusCode, code, requestId, headers } = error;
  // AbortError: the request's time was up while the answer was being read.
  const status = code === "AbortError" ? 504 : WITHOUT_MAILBOX_OR_PHOTO.has(code) ? 404 : statusCode;
  return downstreamFailure({ status, service: "Graph", code, requestId, retryAfter: headers?.get("retry-after") });
}
