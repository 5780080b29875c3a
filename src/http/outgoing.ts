import type { Dispatcher } from "undici";
import request from "undici/lib/api/api-request.js";
import { getGlobalDispatcher } from "undici/lib/global.js";

export interface OutgoingRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Dispatcher.RequestOptions["body"];
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal;
}

/** The answer's head; its body has to be read or dumped, or its connection stays busy. */
export type OutgoingAnswer = Dispatcher.ResponseData;

/**
 * Sends one request over the process's shared, kept-alive connections: undici's global dispatcher, which `fetch` uses too.
 * Follows no redirect, retries nothing, and takes every status as an answer. Throws when there is none.
 */
export function send({ url, method, headers, body, signal }: OutgoingRequest): Promise<OutgoingAnswer> {
  const { origin, pathname, search } = new URL(url);
  const options = { origin, path: pathname + search, method, headers, body: body ?? null, signal };
  return request.call(getGlobalDispatcher(), options as Dispatcher.RequestOptions);
}

/** Seconds in the value of `Retry-After`, which is a number of them or a date (RFC 9110, 10.2.3); undefined for anything else. */
export function retryAfterOf(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const seconds = value.endsWith("GMT") ? (Date.parse(value) - Date.now()) / 1000 : Number.NaN;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}
