import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { graphError, requestIds } from "./errors.ts";

const MOST_REQUESTS = 20;

/** Request in a batch. */
interface BatchRequest {
  readonly id: string;
  readonly method: string;
  /** Path relative to Graph's version. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly dependsOn?: readonly string[];
}

interface BatchResponse {
  readonly id: string;
  readonly status: number;
  readonly headers: Reply["headers"];
  readonly body: unknown;
}

/**
 * Makes the handler of `$batch`, which answers each request as it would be answered alone, with the token of the batch.
 * https://learn.microsoft.com/graph/json-batching
 */
export function createBatch(answer: RouteHandler): RouteHandler {
  return async (request) => {
    const requests = requestsIn(request.body);
    if (typeof requests === "string") return graphError(request, 400, "BadRequest", requests);
    const responses: BatchResponse[] = [];
    for (const one of requests) responses.push(await answerOne(one, request, responses, answer));
    return json(200, { responses }, requestIds(request));
  };
}

/** Returns the batch's requests, or what is wrong with it. */
function requestsIn(body: string): readonly BatchRequest[] | string {
  let requests: unknown;
  try {
    ({ requests } = JSON.parse(body) as { requests?: unknown });
  } catch {
    return "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.";
  }
  if (!Array.isArray(requests) || requests.length === 0) return "Invalid batch payload format.";
  if (requests.length > MOST_REQUESTS)
    return `Number of batch request steps exceeds the maximum value of ${MOST_REQUESTS}.`;
  const isWhole = requests.every(
    ({ id, method, url }: Partial<BatchRequest>) =>
      typeof id === "string" && typeof method === "string" && typeof url === "string",
  );
  if (!isWhole) return "Each request of a batch needs an id, a method and a url.";
  const all = requests as readonly BatchRequest[];
  return new Set(all.map(({ id }) => id)).size === all.length ? all : "Each request of a batch needs an id of its own.";
}

async function answerOne(
  { id, method, url: path, headers = {}, body, dependsOn = [] }: BatchRequest,
  batch: RoutedRequest,
  earlier: readonly BatchResponse[],
  answer: RouteHandler,
): Promise<BatchResponse> {
  const failed = dependsOn.some((needed) => !earlier.some((one) => one.id === needed && one.status < 400));
  const url = new URL(`/v1.0/${path.replace(/^\//, "")}`, batch.url);
  const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const request = {
    ...{ method, url, params: {}, body: body === undefined ? "" : JSON.stringify(body), form: new URLSearchParams() },
    headers: { authorization: batch.headers.authorization, ...lowered },
  };
  const text = "A request that this one depends on failed.";
  const reply = failed ? graphError(request, 424, "FailedDependency", text) : await answer(request);
  return { id, status: reply.status, headers: reply.headers, body: bodyOf(reply) };
}

/** Returns JSON as it is, any other body in base64. */
function bodyOf({ headers, body = "" }: Reply): unknown {
  const isJson = String(headers?.["content-type"]).startsWith("application/json");
  return isJson ? JSON.parse(Buffer.from(body).toString()) : Buffer.from(body).toString("base64");
}
