import type http from "node:http";
import { TLSSocket } from "node:tls";

/** Answer of a route. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /**
   * Sends the reply in place of the router: late, in part, or not at all. The other members then say what the whole reply
   * is.
   */
  readonly send?: (response: http.ServerResponse) => void;
}

export interface RoutedRequest {
  readonly method: string;
  readonly url: URL;
  /** Header values by lower-case name; duplicates as Node joins them. */
  readonly headers: http.IncomingHttpHeaders;
  /** Decoded values of the `:names` in the route. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as a form; empty for another content type. */
  readonly form: URLSearchParams;
}

export type RouteHandler = (request: RoutedRequest) => Reply | Promise<Reply>;

/** Request and its answer, as tests and the trace see it. */
export interface AnsweredRequest {
  readonly request: RoutedRequest;
  readonly reply: Reply;
}

/** Runs between a request and its handler: passes the handler's reply on, changes it, or answers in its place. */
export type Intercept = (request: RoutedRequest, ask: () => Promise<Reply>) => Promise<Reply>;

export interface RouterOptions {
  /** Handlers by `METHOD /path/:name`. */
  readonly routes: Readonly<Record<string, RouteHandler>>;
  readonly notFound: RouteHandler;
  readonly intercept?: Intercept;
  /** Called with every request and its answer, before the answer is sent. */
  readonly onAnswered?: (answered: AnsweredRequest) => void;
}

const MAX_BODY_BYTES = 262_144;

/** Malformed or too large request; no route sees it. */
export class BadRequest extends Error {
  readonly status: 400 | 413;

  constructor(status: 400 | 413) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

/** Makes a listener for `http.createServer` that answers by a table of routes. An unforeseen error is a 500 without a body. */
export function createRouter({
  routes,
  notFound,
  intercept = (_, ask) => ask(),
  onAnswered,
}: RouterOptions): http.RequestListener {
  const find = createTable(routes, notFound);

  async function answer(message: http.IncomingMessage): Promise<AnsweredRequest> {
    const scheme = message.socket instanceof TLSSocket ? "https" : "http";
    const address = `${scheme}://${message.headers.host ?? "localhost"}${message.url}`;
    if (!message.url?.startsWith("/") || !URL.canParse(address)) throw new BadRequest(400);
    const url = new URL(address);
    const method = message.method ?? "GET";
    const body = await readBody(message);
    const base = { method, url, headers: message.headers, body, form: formIn(message, body) };
    const { handler, params } = find(method, url.pathname);
    const request = { ...base, params };
    return { request, reply: await intercept(request, async () => handler(request)) };
  }

  return (message, response) => {
    answer(message)
      .then((answered) => {
        onAnswered?.(answered);
        write(response, answered.reply);
      })
      .catch((error: unknown) => {
        if (!(error instanceof BadRequest)) console.error(error);
        write(response, { status: error instanceof BadRequest ? error.status : 500 });
      });
  };
}

/** Makes a function that answers requests by a table of routes, without a connection: those within a batch. */
export function createDispatch(
  routes: Readonly<Record<string, RouteHandler>>,
  notFound: RouteHandler,
): (request: RoutedRequest) => Promise<Reply> {
  const find = createTable(routes, notFound);
  return async (request) => {
    const { handler, params } = find(request.method, request.url.pathname);
    return handler({ ...request, params });
  };
}

type Find = (method: string, path: string) => Pick<RoutedRequest, "params"> & { readonly handler: RouteHandler };

function createTable(routes: Readonly<Record<string, RouteHandler>>, notFound: RouteHandler): Find {
  const table = Object.entries(routes).map(([route, handler]) => ({ ...parseRoute(route), handler }));
  return (method, path) => {
    for (const { verb, segments, handler } of table) {
      const params = verb === method ? match(segments, path) : undefined;
      if (params) return { handler, params };
    }
    return { handler: notFound, params: {} };
  };
}

/** Makes a JSON answer that nothing caches. */
export function json(status: number, value: unknown, headers: Reply["headers"] = {}): Reply {
  const defaults = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  return { status, headers: { ...defaults, ...headers }, body: JSON.stringify(value) };
}

function parseRoute(route: string): { verb: string; segments: readonly string[] } {
  const [verb = "", path = ""] = route.split(" ");
  return { verb, segments: path.split("/") };
}

function match(segments: readonly string[], path: string): Record<string, string> | undefined {
  const parts = path.split("/");
  if (parts.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const part = parts[index] ?? "";
    if (segment.startsWith(":")) params[segment.slice(1)] = decode(part);
    else if (segment !== part) return undefined;
  }
  return params;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BadRequest(400);
  }
}

/** Reads the body as text. Throws BadRequest for one that is larger than any this stack is sent. */
export async function readBody(message: http.IncomingMessage): Promise<string> {
  // Before any of it is read: leaving the body half read would end the connection, and with it the answer.
  if (Number(message.headers["content-length"]) > MAX_BODY_BYTES) throw new BadRequest(413);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new BadRequest(413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function formIn({ headers }: http.IncomingMessage, body: string): URLSearchParams {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  return new URLSearchParams(isForm ? body : "");
}

/** Sends a reply. */
export function write(response: http.ServerResponse, { status, headers = {}, body, send }: Reply): void {
  if (send) send(response);
  else response.writeHead(status, headers as http.OutgoingHttpHeaders).end(body);
}
