import http from "node:http";
import https from "node:https";
import { gunzipSync } from "node:zlib";
import { listenOnLoopback } from "easy-auth-local/parts";

/** A span as an OTLP exporter sends it: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly status: { readonly code?: number; readonly message?: string };
  readonly attributes: readonly SentAttribute[];
  readonly events: readonly object[];
}

export interface SentAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

export interface Collector {
  readonly url: string;
  /** Everything received, as text. */
  readonly received: readonly Received[];
  readonly spans: readonly SentSpan[];
  close(): Promise<void>;
}

interface Received {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** Starts a server that accepts any telemetry: an OTLP collector, or Application Insights' ingestion endpoint. */
export async function startCollector(certificate?: https.ServerOptions, status = 200): Promise<Collector> {
  const received: Received[] = [];
  const listener: http.RequestListener = async (request, response) => {
    const isZipped = request.headers["content-encoding"] === "gzip";
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { authorization } = request.headers;
    received.push({ path: request.url ?? "", authorization, body: String(isZipped ? gunzipSync(body) : body) });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ itemsReceived: 1, itemsAccepted: 1, errors: [] }));
  };
  const server = certificate ? https.createServer(certificate, listener) : http.createServer(listener);
  const { url, close } = await listenOnLoopback(server, 0);
  return {
    url,
    received,
    get spans() {
      return received.filter(({ path }) => path === "/v1/traces").flatMap(({ body }) => spansIn(JSON.parse(body)));
    },
    close,
  };
}

interface SentSpans {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly SentSpan[] }[] }[];
}

function spansIn({ resourceSpans }: SentSpans): SentSpan[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
}
