import { randomUUID } from "node:crypto";
import { json, type Reply, type RoutedRequest } from "../http/router.ts";

/** An error answer: https://learn.microsoft.com/graph/errors#error-resource-type */
export function graphError(request: RoutedRequest, status: number, code: string, message: string): Reply {
  const ids = requestIds(request);
  const date = new Date().toISOString().replace(/\.\d+Z$/, "");
  return json(status, { error: { code, message, innerError: { date, ...ids } } }, ids);
}

/** The ids that every answer of Graph carries: its own, and the one the caller gave. */
export function requestIds({ headers }: RoutedRequest): Record<string, string> {
  const sent = headers["client-request-id"];
  const requestId = randomUUID();
  return { "request-id": requestId, "client-request-id": typeof sent === "string" ? sent : requestId };
}
