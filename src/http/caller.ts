import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { app } from "@azure/functions";

/** Published by Node for every request to a server of this process: https://nodejs.org/api/diagnostics_channel.html#built-in-channels */
const REQUEST_START = "http.server.request.start";
/** With which the host tells the worker what a forwarded request belongs to. */
const INVOCATION_ID = "x-ms-invocation-id";

/** Where an invocation's answer is written. */
export type Caller = ServerResponse;

/** Of all that still listen, by invocation; undefined while streaming is off. */
let callers: Map<string, Caller> | undefined;

/**
 * Lets the answers of all functions leave while they are made. To be called while the app loads, by each that needs it.
 * With it on, what a handler throws is never answered: handlers are to be made with `endpoint`
 * (https://github.com/Azure/azure-functions-nodejs-library/issues/324). The library neither slows down for a slow caller nor
 * tells when one has left (issue #294 there), so its connection is looked for where Node announces it:
 * docs/decisions/0031-files-are-streamed.md.
 */
export function turnOnStreaming(): void {
  if (callers) return;
  app.setup({ enableHttpStream: true });
  const open = new Map<string, Caller>();
  const remember = (message: unknown) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== "string") return;
    open.set(id, response);
    response.once("close", () => open.delete(id));
  };
  subscribe(REQUEST_START, remember);
  app.hook.appTerminate(() => void unsubscribe(REQUEST_START, remember));
  callers = open;
}

/** Who waits for an invocation's answer; "gone" when nobody does any more; undefined while streaming is off. */
export function callerOf(invocationId: string): Caller | "gone" | undefined {
  return callers && (callers.get(invocationId) ?? "gone");
}
