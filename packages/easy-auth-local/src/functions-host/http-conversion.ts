import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Nullable, RpcHttpRequest, RpcTraceContext } from "./core-types.ts";
import { decodeHeader } from "./kestrel.ts";
import { encodePath, type RequestTarget } from "./request-target.ts";
import type { RouteParams } from "./routes.ts";

/** `DefaultMaxRequestBodySize` of the real host, in bytes. */
const MAX_BODY_BYTES = 104_857_600;

/** Thrown for a request whose body the real host refuses to read. */
export class BodyTooLargeError extends Error {}

/**
 * Converts a request as the real host does while HTTP streaming is off: header names in lower case, repeated headers and
 * query parameters joined with a comma, a body only where Content-Length announces one (so a chunked body arrives empty).
 * Source: GrpcMessageConversionExtensions.cs in Azure/azure-functions-host.
 */
export async function toRpcRequest(
  request: IncomingMessage,
  { path, query }: RequestTarget,
  params: RouteParams,
): Promise<RpcHttpRequest> {
  const { method = "GET", headers } = request;
  const contentLength = readContentLength(request);
  return {
    url: `http://${headers.host}${encodePath(path)}${query}`,
    method,
    nullableHeaders: toNullables(joinHeaders(request)),
    nullableQuery: toNullables(readQuery(query).map(([name, values]) => [name, values.join(",")])),
    nullableParams: toNullables(Object.entries(params)),
    ...(contentLength > 0 && { body: { bytes: await buffer(request) } }),
  };
}

/** Returns the announced length, or 0 without one. Throws `BodyTooLargeError`. Does not count a chunked body. */
export function readContentLength({ headers }: IncomingMessage): number {
  const contentLength = Number(headers["content-length"] ?? 0);
  if (contentLength > MAX_BODY_BYTES) throw new BodyTooLargeError();
  return contentLength;
}

/** Returns the headers with names in lower case, decoded values, and repeated ones joined with a comma. */
export function joinHeaders({ headersDistinct }: IncomingMessage): [name: string, value: string][] {
  return Object.entries(headersDistinct).map(([name, values = []]) => {
    const value = values.map((text) => decodeHeader(text) ?? text).join(",");
    // Kestrel takes this name out, so that no server behind it upgrades to HTTP/2.
    return [name, name === "connection" ? value.replace(/,\s*HTTP2-Settings/i, "") : value];
  });
}

/** Returns the client's trace with a span of this request; a new trace when the client named none, or an invalid one. */
export function toTraceContext({ headers }: IncomingMessage): RpcTraceContext {
  const [, traceId, flags] = /^00-([\da-f]{32})-[\da-f]{16}-([\da-f]{2})$/.exec(String(headers.traceparent)) ?? [];
  const spanId = randomBytes(8).toString("hex");
  return {
    traceParent: `00-${traceId ?? randomBytes(16).toString("hex")}-${spanId}-${flags ?? "00"}`,
    traceState: traceId ? String(headers.tracestate ?? "") : "",
  };
}

/** Returns each parameter of the query once, whatever its letter case: as it is spelled last, with all its values. */
export function readQuery(query: string): [name: string, values: string[]][] {
  const parameters = new Map<string, [name: string, values: string[]]>();
  for (const [name, value] of new URLSearchParams(query)) {
    const values = parameters.get(name.toLowerCase())?.[1] ?? [];
    parameters.set(name.toLowerCase(), [name, [...values, value]]);
  }
  return [...parameters.values()];
}

function toNullables(entries: Iterable<readonly [string, string]>): Record<string, Nullable<string>> {
  return Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));
}
