import { Client, type Context, GraphClientError, GraphError, type Middleware } from "@microsoft/microsoft-graph-client";
import { AppError } from "../../errors.ts";
import type { SignedInUser } from "../../user.ts";
import { downstreamFailure } from "../failure.ts";
import { callAs, type Service, type ServiceAnswer, type UserCall } from "../user-call.ts";

/**
 * Makes a Microsoft Graph client that acts as one user. `graphFailure` explains what its calls throw.
 *
 * @param graphOrigin without a slash at the end
 */
export function createGraphClient(user: SignedInUser, graphOrigin: string): Client {
  const graph = { name: "Graph", origin: graphOrigin, resource: graphOrigin };
  return Client.initWithMiddleware({ baseUrl: `${graphOrigin}/`, middleware: new UserTransport(user, graph) });
}

/**
 * The whole middleware chain of the Graph client. The default chain has no time-out, its waits cannot be interrupted, and
 * its options could name another user's token.
 */
class UserTransport implements Middleware {
  readonly #user: SignedInUser;
  readonly #graph: Service;

  constructor(user: SignedInUser, graph: Service) {
    this.#user = user;
    this.#graph = graph;
  }

  async execute(context: Context): Promise<void> {
    try {
      context.response = responseOf(await callAs(this.#user, this.#graph, callOf(context)));
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      // The Graph client keeps only errors of its own class that a middleware throws.
      throw Object.assign(new GraphClientError(error.code), { customError: error });
    }
  }
}

function callOf({ request, options = {} }: Context): UserCall {
  return {
    url: typeof request === "string" ? request : request.url,
    method: options.method ?? "GET",
    headers: options.headers as Record<string, string> | undefined,
    body: options.body as UserCall["body"],
  };
}

/** The part of a `Response` that the Graph client reads. */
function responseOf({ status, headers, body, bytes }: ServiceAnswer): Response {
  const response = {
    status,
    ok: status >= 200 && status < 300,
    headers,
    body,
    json: async () => JSON.parse((await bytes()).toString()),
    text: async () => (await bytes()).toString(),
    blob: async () => new Blob([await bytes()], { type: headers.get("content-type") ?? "" }),
    arrayBuffer: async () => Uint8Array.from(await bytes()).buffer,
  };
  return response as unknown as Response;
}

/** Turns an error of a Graph call into a failure with a code. Returns other errors unchanged. */
export function graphFailure(error: unknown): unknown {
  if (error instanceof GraphClientError) return error.customError ?? error;
  return error instanceof GraphError ? failureOf(error) : error;
}

function failureOf({ statusCode, code, requestId, headers }: GraphError): AppError {
  // AbortError: the request's time was up while the answer was being read.
  const status = code === "AbortError" ? 504 : statusCode;
  return downstreamFailure({ status, service: "Graph", code, requestId, retryAfter: headers?.get("retry-after") });
}
