import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";
import { app, type HttpResponseInit } from "@azure/functions";

/** Published by Node: https://nodejs.org/api/diagnostics_channel.html#built-in-channels */
const REQUEST_START = "http.server.request.start";
const LISTEN_START = "tracing:net.server.listen:asyncStart";

/** Header by which the host tells the worker the invocation of a forwarded request. */
const INVOCATION_ID = "x-ms-invocation-id";
/** Bytes. The host takes 32 KiB and adds some; Node alone would take 16 KiB, less than a session with many groups needs. */
const MAX_HEADER_SIZE = 65_536;

/** The connection on which an invocation's answer leaves. */
export interface OpenConnection {
  /** As the host forwarded them. Those of the function's own request are binding data: `?Headers={…}` takes their place. */
  readonly headers: Headers;
  readonly connection: ServerResponse;
}

/** Answer for a disconnected client; never sent. */
export const DISCONNECTED: HttpResponseInit = { status: 499 };

/** Open connections by invocation id; undefined while streaming is off. */
let connections: Map<string, OpenConnection> | undefined;

/**
 * Lets the answers of all functions leave while they are made. To be called while the app loads. What the library
 * (4.16.5) lacks for it is made good at its connections, which Node announces: docs/decisions/0031-files-are-streamed.md.
 * A request whose answer has not begun after `beginWithinMs` is answered 500 without a body: a handler that threw, or was
 * never called, would leave it waiting.
 */
export function streamAnswers(beginWithinMs: number): void {
  if (connections) return;
  app.setup({ enableHttpStream: true });
  const waiting = new Map<string, OpenConnection>();
  const widen = (message: unknown) => {
    (message as { server: { maxHeaderSize?: number } }).server.maxHeaderSize ??= MAX_HEADER_SIZE;
  };
  const remember = (message: unknown) => {
    const { request, response: connection } = message as { request: IncomingMessage; response: ServerResponse };
    const id = request.headers[INVOCATION_ID];
    if (typeof id !== "string") return;
    const timer = setTimeout(() => connection.headersSent || connection.writeHead(500).end(), beginWithinMs);
    waiting.set(id, {
      get headers() {
        return headersOf(request);
      },
      connection,
    });
    connection.once("close", () => {
      clearTimeout(timer);
      waiting.delete(id);
    });
  };
  subscribe(LISTEN_START, widen);
  subscribe(REQUEST_START, remember);
  app.hook.appTerminate(() => {
    unsubscribe(LISTEN_START, widen);
    unsubscribe(REQUEST_START, remember);
  });
  connections = waiting;
}

/** Returns the connection of an invocation, "closed" once the client has left; undefined while streaming is off. */
export function connectionOf(invocationId: string): OpenConnection | "closed" | undefined {
  return connections && (connections.get(invocationId) ?? "closed");
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
  return new Headers(Object.entries(headersDistinct).map(([name, values = []]) => [name, values.join(",")]));
}
