import type { HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";
import { jsonIn } from "../outgoing/json.ts";
import { unreachable } from "../outgoing/send.ts";
import { resourceOf } from "../scopes.ts";
import type { SignedInUser } from "../user.ts";
import { AnswerHeaders } from "./answer-headers.ts";
import { errorCodeIn, MAX_ERROR_BYTES } from "./error-body.ts";
import { downstreamFailure } from "./failure.ts";
import type { CallBody } from "./sent-body.ts";
import { callAs, type ServiceAnswer, type UserCall } from "./user-call.ts";

/** An API that takes access tokens of Entra. */
export interface Api {
  /** Origin, such as `https://orders.contoso.com`; tokens for the API are sent nowhere else. */
  readonly origin: string;
  /** One of its scopes, `api://<client id>/Orders.Read`, which names its resource. The endpoint has to name the scope too. */
  readonly scope: string;
}

/** The options of `fetch` that this takes. */
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: UserCall["headers"];
  readonly body?: CallBody;
  /** Statuses that are returned like a success instead of thrown, such as 409 or 422: `relayed` answers with them. */
  readonly alsoReturn?: readonly number[];
}

/**
 * Fetches from an API as the user: `path` below its origin, over https, as `callAs` does. The answer is a success, 304 or one of
 * `alsoReturn`, and in memory.
 *
 * @throws AppError for every other answer, or none, or one of more than 8 MiB: `failure.ts`
 */
export async function fetchAs(
  user: SignedInUser,
  { origin, scope }: Api,
  path: string,
  { method = "GET", headers, body, alsoReturn = [] }: FetchOptions = {},
): Promise<Response> {
  const api = { name: origin, origin, resource: resourceOf(scope) };
  const answer = await callAs(user, api, { url: path, method: method.toUpperCase(), headers, body });
  return responseOf(answer, origin, alsoReturn).catch((error) => {
    throw error instanceof AppError ? error : unreachable(error, user.deadline.signal);
  });
}

async function responseOf(
  { status, headers, bytes }: ServiceAnswer,
  service: string,
  alsoReturn: readonly number[],
): Promise<Response> {
  if (!(status >= 200 && status < 300) && status !== 304 && !alsoReturn.includes(status)) {
    const code = errorCodeIn(jsonIn(String(await bytes(MAX_ERROR_BYTES).catch(() => ""))));
    const requestId = headers["request-id"] ?? headers["x-ms-request-id"];
    throw downstreamFailure({ status, service, code, requestId, retryAfter: headers["retry-after"] });
  }
  const content = await bytes();
  return new Response(content.length > 0 ? content : null, { status, headers: [...new AnswerHeaders(headers)] });
}

/** Headers of a service's answer that go on to the client. */
const RELAYED = ["content-type", "content-language", "etag", "last-modified", "retry-after"];

/** Makes the endpoint's answer out of an API's: its status, its body and a few headers, none of them a cookie or an address. */
export async function relayed(response: Response): Promise<HttpResponseInit> {
  const headers = [...response.headers].filter(([name]) => RELAYED.includes(name));
  return { status: response.status, headers: Object.fromEntries(headers), body: await response.arrayBuffer() };
}
