import { AppError } from "../errors.ts";
import { unreachable } from "../outgoing/send.ts";
import { resourceOf } from "../scopes.ts";
import type { SignedInUser } from "../user.ts";
import { downstreamFailure } from "./failure.ts";
import { callAs, type ServiceAnswer, type UserCall } from "./user-call.ts";

/** An API that takes access tokens of Entra. */
export interface Api {
  /** The only place its tokens are sent to: `https://orders.contoso.com`. */
  readonly origin: string;
  /** One of its scopes, which tells its resource: `api://<client id>/Orders.Read`. The endpoint has to name it. */
  readonly scope: string;
}

/** The options of `fetch` that this takes. */
export interface FetchOptions {
  readonly method?: string;
  readonly headers?: UserCall["headers"];
  readonly body?: string | Uint8Array;
}

/**
 * Fetches from an API as the user: `path` below its origin, over https, as `callAs` does. The answer is a success or 304, and
 * in memory.
 *
 * @throws AppError for every other answer, or none, or one of more than 8 MiB: `failure.ts`
 */
export async function fetchAs(
  user: SignedInUser,
  { origin, scope }: Api,
  path: string,
  { method = "GET", headers, body }: FetchOptions = {},
): Promise<Response> {
  const api = { name: origin, origin, resource: resourceOf(scope) };
  const answer = await callAs(user, api, { url: path, method: method.toUpperCase(), headers, body });
  return responseOf(answer, origin).catch((error) => {
    throw error instanceof AppError ? error : unreachable(error, user.deadline.signal);
  });
}

async function responseOf({ status, headers, body, bytes }: ServiceAnswer, service: string): Promise<Response> {
  if (!(status >= 200 && status < 300) && status !== 304) {
    await body.dump();
    throw downstreamFailure({ status, service, retryAfter: headers.get("retry-after") });
  }
  const content = await bytes();
  return new Response(content.length > 0 ? content : null, { status, headers });
}
