import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import type { Nullable, RpcCookie, RpcHttpRequest, RpcHttpResponse, RpcTraceContext } from "./core-types.ts";
import type { RouteParams } from "./routes.ts";

/** `DefaultMaxRequestBodySize` of the real host, in bytes. */
const MAX_BODY_BYTES = 104_857_600;

/** The request has a body that the real host refuses to read. */
export class BodyTooLargeError extends Error {}

/**
 * The request as the real host sends it to the worker while HTTP streaming is off: header names in lower case, repeated
 * headers and query parameters joined with a comma, a body only where Content-Length announces one (so a chunked body
 * arrives empty). Source: GrpcMessageConversionExtensions.cs in Azure/azure-functions-host.
 */
export async function toRpcRequest(request: IncomingMessage, params: RouteParams): Promise<RpcHttpRequest> {
  const { method = "GET", url = "/", headers } = request;
  const contentLength = readContentLength(request);
  return {
    url: `http://${headers.host}${url}`,
    method,
    nullableHeaders: toNullables(joinHeaders(request)),
    nullableQuery: toNullables(readQuery(url)),
    nullableParams: toNullables(Object.entries(params)),
    ...(contentLength > 0 && { body: { bytes: await buffer(request) } }),
  };
}

/** 0 when none is announced. Throws `BodyTooLargeError`. A chunked body is not counted. */
export function readContentLength({ headers }: IncomingMessage): number {
  const contentLength = Number(headers["content-length"] ?? 0);
  if (contentLength > MAX_BODY_BYTES) throw new BodyTooLargeError();
  return contentLength;
}

/** Header names in lower case, the values of a repeated one joined with a comma. */
export function joinHeaders({ headersDistinct }: IncomingMessage): [name: string, value: string][] {
  return Object.entries(headersDistinct).map(([name, values]) => [name, values?.join(",") ?? ""]);
}

/** The caller's trace with a span of this request; a trace of its own when the caller named none, or an invalid one. */
export function toTraceContext({ headers }: IncomingMessage): RpcTraceContext {
  const [, traceId, flags] = /^00-([\da-f]{32})-[\da-f]{16}-([\da-f]{2})$/.exec(String(headers.traceparent)) ?? [];
  const spanId = randomBytes(8).toString("hex");
  return {
    traceParent: `00-${traceId ?? randomBytes(16).toString("hex")}-${spanId}-${flags ?? "00"}`,
    traceState: traceId ? String(headers.tracestate ?? "") : "",
  };
}

/** Sends what the function returned. Content negotiation is not imitated. */
export function writeRpcResponse(
  answer: ServerResponse,
  { statusCode, headers, cookies, body }: RpcHttpResponse,
): void {
  for (const [name, value] of Object.entries(headers)) answer.setHeader(name, value);
  for (const cookie of cookies) answer.appendHeader("set-cookie", formatCookie(cookie));
  answer.statusCode = Number(statusCode);
  answer.end(body?.bytes);
}

function toNullables(entries: Iterable<readonly [string, string]>): Record<string, Nullable<string>> {
  return Object.fromEntries([...entries].map(([name, value]) => [name, { value }]));
}

/** A name that is repeated, in whatever letter case, once: as it is spelled first, its values joined with a comma. */
export function readQuery(url: string): Iterable<[name: string, value: string]> {
  const query = new Map<string, [name: string, value: string]>();
  for (const [name, value] of new URLSearchParams(url.replace(/^[^?]*/, ""))) {
    const known = query.get(name.toLowerCase());
    if (known) known[1] += `,${value}`;
    else query.set(name.toLowerCase(), [name, value]);
  }
  return query.values();
}

/** As ASP.NET Core writes it: ResponseCookies.cs and SetCookieHeaderValue.cs in dotnet/aspnetcore. */
function formatCookie(cookie: RpcCookie): string {
  const attributes = [
    `${cookie.name}=${encodeURIComponent(cookie.value)}`,
    cookie.expires && `expires=${new Date(cookie.expires.value.seconds * 1000).toUTCString()}`,
    cookie.maxAge && `max-age=${Math.trunc(cookie.maxAge.value)}`,
    cookie.domain && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value ?? "/"}`,
    cookie.secure?.value && "secure",
    cookie.sameSite !== "none" && `samesite=${cookie.sameSite === "explicitNone" ? "none" : cookie.sameSite}`,
    cookie.httpOnly?.value && "httponly",
  ];
  return attributes.filter(Boolean).join("; ");
}
