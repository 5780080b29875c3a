import { randomUUID } from "node:crypto";
import { json, type Reply, type RoutedRequest } from "../http/router.ts";

/** Makes an error answer: https://learn.microsoft.com/graph/errors#error-resource-type */
export function graphError(request: RoutedRequest, status: number, code: string, message: string): Reply {
  const ids = requestIds(request);
  const date = new Date().toISOString().replace(/\.\d+Z$/, "");
  return json(status, { error: { code, message, innerError: { date, ...ids } } }, ids);
}

/** Makes the answer to a token without the permission that the request needs. */
export function forbidden(request: RoutedRequest): Reply {
  return graphError(request, 403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.");
}

/** Makes the answer for a resource that the directory does not have. */
export function resourceNotFound(request: RoutedRequest, name: string): Reply {
  const text = `Resource '${name}' does not exist or one of its queried reference-property objects are not present.`;
  return graphError(request, 404, "Request_ResourceNotFound", text);
}

/**
 * Makes the answer to requests that Graph supports and this emulator does not. Never a 404, which would say that the
 * user has no such resource.
 */
export function notEmulated(request: RoutedRequest, what?: string): Reply {
  const subject = what ?? `${request.method} ${request.url.pathname}`;
  return graphError(request, 501, "NotImplemented", `${subject} is not emulated: set an answer with a fault.`);
}

/** Returns the ids that every answer of Graph carries: its own, and the one that the client gave. */
export function requestIds({ headers }: RoutedRequest): Record<string, string> {
  const sent = headers["client-request-id"];
  const requestId = randomUUID();
  return { "request-id": requestId, "client-request-id": typeof sent === "string" ? sent : requestId };
}
