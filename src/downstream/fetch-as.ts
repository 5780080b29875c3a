import { resourceOf } from "../entra/scopes.ts";
import { AppError, type Remedy } from "../errors.ts";
import type { Deadline } from "../outgoing/deadline.ts";
import { type OutgoingAnswer, readBody, send } from "../outgoing/send.ts";
import type { TokenSource } from "./azure-sdk/credential.ts";
import { type TokenRefusal, tokenRefusalIn } from "./claims-challenge.ts";
import { downstreamFailure, unreachable } from "./failure.ts";

/** An API that takes tokens of Entra. */
export interface Api {
  /** `https://orders.contoso.com`: the only place its tokens are sent to. */
  readonly origin: string;
  /** One of its scopes, to tell its resource by: `api://<client id>/Orders.Read`. The endpoint has to name it. */
  readonly scope: string;
}

/** What of `fetch`'s options is taken. */
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface ApiCaller extends Pick<TokenSource, "accessToken" | "forgetAccessToken"> {
  /** Sent as `client-request-id`. */
  readonly correlationId: string;
  readonly deadline: Deadline;
  readonly remedy: Remedy;
}

const MAX_BYTES = 8 * 1_048_576;

/**
 * Fetches from an API as the user: `path` below its origin, over https, within the request's time. When the API refuses
 * the token, asks once more with a new one, which satisfies the claims the API asks for. Follows no redirect, retries
 * nothing else. The answer is a success or 304, and in memory.
 *
 * @throws AppError for every other answer, or none, or one of more than 8 MiB: `downstream-failure.ts`
 */
export async function fetchAs(user: ApiCaller, api: Api, path: string, options: FetchOptions = {}): Promise<Response> {
  const url = urlOf(api, path);
  const resource = resourceOf(api.scope);
  try {
    const accessToken = await user.accessToken(resource);
    const answer = await sendAs(user, url, accessToken, options);
    const refusal = tokenRefusalIn(answer);
    if (refusal === undefined) return await responseOf(answer, user, url);
    await answer.body.dump();
    return await responseOf(await sendAgain(user, { url, resource, options }, refusal), user, url);
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(error, user.deadline.signal);
  }
}

interface Call {
  readonly url: URL;
  readonly resource: string;
  readonly options: FetchOptions;
}

async function sendAgain(
  user: ApiCaller,
  { url, resource, options }: Call,
  { claims }: TokenRefusal,
): Promise<OutgoingAnswer> {
  user.forgetAccessToken(resource);
  const answer = await sendAs(user, url, await user.accessToken(resource, claims), options);
  if (tokenRefusalIn(answer)) user.forgetAccessToken(resource);
  return answer;
}

function sendAs(user: ApiCaller, url: URL, accessToken: string, options: FetchOptions): Promise<OutgoingAnswer> {
  const { method = "GET", headers = {}, body = null } = options;
  const names = new Set(["authorization", "client-request-id"]);
  const own = Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase()));
  return send({
    url: url.href,
    method,
    headers: {
      ...Object.fromEntries(own),
      authorization: `Bearer ${accessToken}`,
      "client-request-id": user.correlationId,
    },
    body,
    signal: user.deadline.signal,
  });
}

async function responseOf(answer: OutgoingAnswer, { remedy }: ApiCaller, { origin }: URL): Promise<Response> {
  const { statusCode: status, headers } = answer;
  if (!(status >= 200 && status < 300) && status !== 304) {
    await answer.body.dump();
    const claims = tokenRefusalIn(answer)?.claims;
    throw downstreamFailure({ status, service: origin, retryAfter: headers["retry-after"], claims, remedy });
  }
  const bytes = await readBody(answer, MAX_BYTES);
  const pairs = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one) => [name, one]));
  return new Response(bytes.length > 0 ? bytes : null, { status, headers: pairs as [string, string][] });
}

/** A token leaves for its API's own origin, or not at all: `path` may have come from somewhere else. */
function urlOf({ origin }: Api, path: string): URL {
  const url = URL.canParse(path, origin) ? new URL(path, origin) : undefined;
  if (url?.protocol === "https:" && url.origin === new URL(origin).origin) return url;
  throw new AppError("internal_error", { hint: `A call as the user leads away from ${origin}; it got no token.` });
}
