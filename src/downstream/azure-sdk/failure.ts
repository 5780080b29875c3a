import { AppError } from "../../errors.ts";
import { unreachable } from "../../outgoing/send.ts";
import type { SignedInUser } from "../../user.ts";
import { tokenRefusalIn } from "../claims-challenge.ts";
import { downstreamFailure } from "../failure.ts";

/**
 * `RestError` of the Azure SDK, by its shape: a bundle may hold several such classes.
 * https://learn.microsoft.com/javascript/api/@azure/core-rest-pipeline/resterror
 */
interface RestError extends Error {
  readonly code?: string;
  readonly statusCode?: number;
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

const MAX_CAUSES = 5;

/**
 * Turns an error of a client of the Azure SDK into a failure with a code: a failure of ours that it wrapped, a failed answer,
 * no answer, or the end of the request's time. Returns other errors unchanged. A 401 drops the tokens of all `resources`:
 * few clients ask for a new one themselves, and the error does not tell which was refused.
 */
export function sdkFailure(error: unknown, user: SignedInUser, resources: Iterable<string>): unknown {
  const { deadline, links } = user;
  const own = causesOf(error).find((cause) => cause instanceof AppError);
  if (own) return own;
  if (isNamed(error, "AbortError") && deadline.signal.aborted) return unreachable(error, deadline.signal);
  if (!isNamed(error, "RestError")) return error;
  const { statusCode: status, code, response } = error as RestError;
  if (status === undefined) return unreachable(error, deadline.signal);
  if (status === 401) for (const resource of resources) user.forgetAccessToken(resource);
  const header = (name: string) => response?.headers?.get(name);
  const headers = { "www-authenticate": header("www-authenticate") };
  const claims = tokenRefusalIn({ statusCode: status, headers })?.claims;
  const ids = { code, requestId: header("x-ms-request-id"), authorizationUri: links.authorizationUri };
  return downstreamFailure({ status, service: "Azure", ...ids, retryAfter: header("retry-after"), claims });
}

function causesOf(error: unknown): unknown[] {
  const causes = [error];
  while (causes.length < MAX_CAUSES && causes.at(-1) instanceof Error) causes.push((causes.at(-1) as Error).cause);
  return causes;
}

function isNamed(error: unknown, name: string): error is Error {
  return error instanceof Error && error.name === name;
}
