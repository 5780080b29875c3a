import http from "node:http";
import type net from "node:net";
import { createProxyServer } from "httpxy";
import { type Reply, write } from "../http/router.ts";
import { replaceLinks } from "./browser-links.ts";
import { type CorsSettings, corsHeaders } from "./cors.ts";
import type { GateOptions } from "./gate-options.ts";
import { page } from "./pages.ts";

export interface UpstreamOptions {
  /** Address of the app, on this machine. */
  readonly url: string;
  readonly cors: CorsSettings | undefined;
  /** Origin at which browsers reach the authority when it is not the authority's own: the emulator. */
  readonly browserOrigin: string | undefined;
  /** Called with each request to the app before it is sent. */
  readonly onForward?: GateOptions["onForward"] | undefined;
  /** Milliseconds until the app has to answer. Default 230,000, after which App Service gives up. */
  readonly timeoutMs?: number;
}

/** The app behind the gate. */
export interface Upstream {
  /**
   * Streams the request to the app and the answer back; ends both when the client disconnects. Answers 502 or 504 for an
   * app that does not answer.
   */
  forward(request: http.IncomingMessage, response: http.ServerResponse): void;
  /** Does the same for a WebSocket. */
  upgrade(request: http.IncomingMessage, socket: net.Socket, head: Buffer): void;
}

/**
 * Time after which App Service gives up:
 * https://learn.microsoft.com/azure/app-service/faq-availability-performance-application-issues
 */
const UPSTREAM_TIMEOUT_MS = 230_000;

export function createUpstream({
  url,
  cors,
  browserOrigin,
  onForward,
  timeoutMs = UPSTREAM_TIMEOUT_MS,
}: UpstreamOptions): Upstream {
  const proxy = createProxyServer({ xfwd: true, proxyTimeout: timeoutMs, upgradeTimeout: timeoutMs });
  const late = new WeakSet<http.IncomingMessage>();
  const writtenBefore = new WeakMap<net.Socket, number>();
  proxy.on("proxyReq", (outgoing, request) => outgoing.once("timeout", () => late.add(request)));
  proxy.on("proxyRes", closeAfterUnknownLength);
  if (onForward) proxy.on("proxyReq", onForward);
  if (cors) proxy.on("proxyRes", (answer, { headers }) => replaceCorsHeaders(answer.headers, headers.origin, cors));
  if (browserOrigin !== undefined) proxy.on("proxyRes", (answer) => replaceLinks(answer, browserOrigin));
  // The event comes before the connection of an upgrade is ended, a rejection only after that.
  proxy.on("error", (_, request, answer) => {
    const failure = request && late.has(request) ? timedOut(url) : unreachable(url);
    if (answer instanceof http.ServerResponse) answerFailure(answer, failure);
    else if (answer && answer.bytesWritten === writtenBefore.get(answer)) writeToSocket(answer, failure);
    // An upgraded connection takes no HTTP answer.
    else answer?.destroy();
  });
  return {
    forward: (request, response) => void proxy.web(request, response, { target: url }),
    upgrade: (request, socket, head) => {
      writtenBefore.set(socket, socket.bytesWritten);
      void proxy.ws(request, socket, { target: url }, head);
    },
  };
}

function answerFailure(response: http.ServerResponse, failure: Reply): void {
  if (response.headersSent) response.destroy();
  else write(response, failure);
}

/** Ends an HTTP/1.0 connection after an answer without a length: nothing else tells its client where the answer ends. */
function closeAfterUnknownLength(answer: http.IncomingMessage, request: http.IncomingMessage): void {
  const isUnknown = request.httpVersion === "1.0" && answer.headers["content-length"] === undefined;
  if (isUnknown) request.headers.connection = "close";
}

/** Replaces the app's own CORS headers, which do not count while the platform's CORS is on. */
function replaceCorsHeaders(answer: http.IncomingHttpHeaders, origin: string | undefined, cors: CorsSettings): void {
  for (const name of Object.keys(answer)) if (name.startsWith("access-control-")) delete answer[name];
  const { vary, ...added } = corsHeaders(origin, cors);
  Object.assign(answer, added);
  if (vary !== undefined) answer.vary = answer.vary === undefined ? vary : `${answer.vary}, ${vary}`;
}

function unreachable(url: string): Reply {
  const text = `The gate received an invalid response while acting as a gateway or proxy server: the app at ${url} does not answer.`;
  return page(502, "502 Bad Gateway", text);
}

function timedOut(url: string): Reply {
  const text = `The app at ${url} failed to respond within the time that App Service gives it.`;
  return page(504, "504 Gateway Timeout", text);
}

/** Writes an answer in place of an upgrade, and ends the connection. */
export function writeToSocket(socket: net.Socket, { status, headers = {}, body = "" }: Reply): void {
  const own = Object.entries(headers).filter(([name]) => name !== "content-length");
  const lines = own.flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}`));
  const bytes = Buffer.from(body);
  const statusLine = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`;
  const head = [statusLine, ...lines, `content-length: ${bytes.length}`, "connection: close"];
  socket.end(Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), bytes]));
}
