import type http from "node:http";

/** What a route answers. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
}

export interface RoutedRequest {
  readonly method: string;
  readonly url: URL;
  /** Header values by lower-case name; duplicates as Node joins them. */
  readonly headers: http.IncomingHttpHeaders;
  /** What the `:names` in the route matched, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The body as a form; empty for another content type. */
  readonly form: URLSearchParams;
}

export type RouteHandler = (request: RoutedRequest) => Reply | Promise<Reply>;

/** One request and its answer, as tests and the trace see it. */
export interface Exchanged {
  readonly request: RoutedRequest;
  readonly reply: Reply;
}

export interface RouterOptions {
  /** Handlers by `METHOD /path/:name`. */
  readonly routes: Readonly<Record<string, RouteHandler>>;
  readonly notFound: RouteHandler;
  /** Told of every answer. */
  readonly onExchange?: (exchanged: Exchanged) => void;
}

const MAX_BODY_BYTES = 262_144;

/** A listener for `http.createServer` that answers by a table of routes. An unforeseen error is a 500 without words. */
export function createRouter({ routes, notFound, onExchange }: RouterOptions): http.RequestListener {
  const table = Object.entries(routes).map(([route, handler]) => ({ ...parseRoute(route), handler }));

  async function answer(message: http.IncomingMessage): Promise<Exchanged> {
    const url = new URL(message.url ?? "/", `http://${message.headers.host ?? "localhost"}`);
    const method = message.method ?? "GET";
    const base = { method, url, headers: message.headers, form: await readForm(message) };
    for (const { verb, segments, handler } of table) {
      const params = verb === method ? match(segments, url.pathname) : undefined;
      if (params) return exchange({ ...base, params }, handler);
    }
    return exchange({ ...base, params: {} }, notFound);
  }

  return (message, response) => {
    answer(message)
      .then((exchanged) => {
        onExchange?.(exchanged);
        write(response, exchanged.reply);
      })
      .catch((error: unknown) => {
        console.error(error);
        write(response, { status: error instanceof RangeError ? 413 : 500 });
      });
  };
}

/** A JSON answer that nothing caches. */
export function json(status: number, value: unknown, headers: Reply["headers"] = {}): Reply {
  const defaults = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  return { status, headers: { ...defaults, ...headers }, body: JSON.stringify(value) };
}

async function exchange(request: RoutedRequest, handler: RouteHandler): Promise<Exchanged> {
  return { request, reply: await handler(request) };
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
    if (segment.startsWith(":")) params[segment.slice(1)] = decodeURIComponent(part);
    else if (segment !== part) return undefined;
  }
  return params;
}

async function readForm(message: http.IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new RangeError("The body is too large.");
    chunks.push(chunk);
  }
  const isForm = message.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
  return new URLSearchParams(isForm ? Buffer.concat(chunks).toString() : "");
}

/** Sends a reply. */
export function write(response: http.ServerResponse, { status, headers = {}, body }: Reply): void {
  response.writeHead(status, headers as http.OutgoingHttpHeaders);
  response.end(body);
}
