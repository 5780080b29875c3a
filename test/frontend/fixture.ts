import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { createFrontend, type FrontendOptions } from "../../frontend/server.ts";

export const ACCESS_TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJhcGkifQ.c2lnbmF0dXJl";

/** Headers that Easy Auth adds for a signed-in user. */
export const SIGNED_IN = {
  cookie: "AppServiceAuthSession=secret-session",
  "x-ms-client-principal-id": "00000000-aaaa-1111-bbbb-222222222222",
  "x-ms-client-principal-name": "ada@contoso.example",
  "x-ms-token-aad-access-token": ACCESS_TOKEN,
  "x-ms-token-aad-id-token": "secret-id-token",
} as const;

/** A request and its answer, as the backend holds them. */
export type Arrived = [request: http.IncomingMessage, response: http.ServerResponse];

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
}

export interface SendOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Serves on a free port until the test ends. Resolves to the server's URL. */
async function serve(server: http.Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Starts a backend that answers with `listener` (200 by default). */
export function serveBackend(listener: RequestListener = (_request, response) => response.end("ok")): Promise<string> {
  return serve(http.createServer(listener));
}

/** Starts a backend that leaves the first request's answer to the test. */
export async function serveSilentBackend(): Promise<{ url: string; arrived: Promise<Arrived> }> {
  const server = http.createServer();
  const arrived = once(server, "request") as Promise<Arrived>;
  return { url: await serve(server), arrived };
}

/** Starts a backend that records each request with its whole body, then answers 200. */
export async function serveRecordingBackend(): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const url = await serveBackend(async (request, response) => {
    const { method = "", url = "", headers } = request;
    received.push({ method, url, headers, body: await text(request) });
    response.end("ok");
  });
  return { url, received };
}

/** Starts the frontend in front of a backend, with a page of tiny files; records the lines it logs. */
export async function serveFrontend(
  options: Partial<FrontendOptions> & Pick<FrontendOptions, "backendUrl">,
): Promise<{ url: string; logged: string[] }> {
  const logged: string[] = [];
  const log = (line: string): void => void logged.push(line);
  return { url: await serve(createFrontend({ pageFolder: makePageFolder(), log, ...options })), logged };
}

/** Resolves to an address where nothing listens. */
export async function unusedUrl(): Promise<string> {
  const server = http.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

/** Sends the path unchanged; `fetch` would normalize `/../`. */
export async function send(url: string, path: string, options: SendOptions = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body } = options;
  const { hostname, port } = new URL(url);
  const request = http.request({ hostname, port, path, method, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, "response")) as [http.IncomingMessage];
  const bytes = await buffer(response);
  return { status: response.statusCode ?? 0, headers: response.headers, body: bytes.toString(), bytes };
}

/** A temporary folder with the page's files. */
export function makePageFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "frontend-page-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const name of ["index.html", "signed-out.html", "errors.html", "style.css", "page.js", "icon.svg"]) {
    writeFileSync(join(folder, name), `(${name})`);
  }
  return folder;
}
