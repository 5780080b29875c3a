import type { Readable } from "node:stream";
import { SpanKind } from "@opentelemetry/api";
import type { Dispatcher } from "undici";
import request from "undici/lib/api/api-request.js";
import { getGlobalDispatcher } from "undici/lib/global.js";
import { AppError } from "../errors.ts";
import { withSpan } from "../telemetry/telemetry.ts";

export interface OutgoingRequest {
  readonly url: URL;
  /** Name of the server in telemetry, where another service's answer chose the host; the host without one. */
  readonly server?: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Dispatcher.RequestOptions["body"];
  /** Aborts the request and the reading of its answer. */
  readonly signal: AbortSignal;
}

/** Head of an answer. Its body has to be read or dumped, or the connection stays busy. */
export type OutgoingAnswer = Dispatcher.ResponseData;

/**
 * Sends one request over the process's shared, kept-alive connections: undici's global dispatcher, which `fetch` uses too.
 * Does not follow redirects or retry; resolves for every status. Rejects when there is no answer.
 */
export function send({
  url,
  server = url.host,
  method,
  headers,
  body,
  signal,
}: OutgoingRequest): Promise<OutgoingAnswer> {
  const { origin, pathname, search } = url;
  const options = { origin, path: pathname + search, method, headers, body: body ?? null, signal };
  // Names of https://opentelemetry.io/docs/specs/semconv/http/http-spans/; no path, for it may name a person.
  const attributes = { "http.request.method": method, "server.address": server };
  return withSpan({ name: `${method} ${server}`, kind: SpanKind.CLIENT, attributes }, async (span) => {
    const answer = await request.call(getGlobalDispatcher(), options as Dispatcher.RequestOptions);
    span.setAttribute("http.response.status_code", answer.statusCode);
    return answer;
  });
}

/** Reads the whole body. Rejects, and closes the connection, when it is longer than `maxBytes` or breaks off. */
export function readBody({ body }: { readonly body: Readable }, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // No event will come: the answer broke off before it was read.
    if (body.destroyed) reject(body.errored ?? new Error("The answer broke off."));
    const chunks: Buffer[] = [];
    let size = 0;
    body.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) body.destroy(new RangeError("The answer is too long."));
      else chunks.push(chunk);
    });
    body.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    body.on("error", reject);
  });
}

/** Returns the failure of a request without an answer: the service cannot be reached, or the request's time was up. */
export function unreachable(cause: unknown, { aborted }: AbortSignal): AppError {
  return new AppError(aborted ? "downstream_timeout" : "downstream_failed", { cause });
}

/**
 * Maximum of a day: no service means more, and a client's timer fires at once when it is set to more than 24 days:
 * https://developer.mozilla.org/docs/Web/API/Window/setTimeout#maximum_delay_value
 */
const MAX_RETRY_AFTER_SECONDS = 86_400;

/**
 * Returns the seconds in a `Retry-After`, which is their number or a date (RFC 9110, 10.2.3); a day at most. Undefined for
 * anything else, and for a past date: the other clock differs from ours, so it does not say how long to wait.
 */
export function retryAfterOf(value: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  if (/^\d+$/.test(value)) return Math.min(Number(value), MAX_RETRY_AFTER_SECONDS);
  const seconds = value.endsWith(" GMT") ? (Date.parse(value) - Date.now()) / 1000 : Number.NaN;
  return seconds > 0 ? Math.min(seconds, MAX_RETRY_AFTER_SECONDS) : undefined;
}
