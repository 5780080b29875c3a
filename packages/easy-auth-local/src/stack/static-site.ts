import http from "node:http";
import type { LoopbackServer } from "../http/loopback-server.ts";
import { listenOnLoopback } from "../http/loopback-server.ts";

/** Bytes of headers that the gate lets through, and what it adds to them. */
const MAX_HEADER_SIZE = 131_072;

/** A path whose last part has an extension: a file, and not a route of a single-page app. */
const FILE = /\.\w+$/;

/**
 * Serves a folder's files as they are, and index.html for every address without one, as single-page apps need it. Names that
 * begin with a dot are not served. A file that goes while it is read ends its answer alone.
 */
export async function startStaticSite(
  folder: string,
  onServer?: (server: http.Server) => void,
): Promise<LoopbackServer> {
  // Loaded on demand.
  const { default: serveStatic } = await import("serve-static");
  const setHeaders = (response: http.ServerResponse) => void response.setHeader("cache-control", "no-store");
  const serve = serveStatic(folder, { cacheControl: false, extensions: ["html", "htm"], setHeaders });
  const server = http.createServer({ maxHeaderSize: MAX_HEADER_SIZE }, (request, response) => {
    serve(request, response, (error) => {
      if (error || FILE.test(pathOf(request))) return answer(response, error?.status ?? 404);
      request.url = "/index.html";
      serve(request, response, (again) => answer(response, again?.status ?? 404));
    });
  });
  onServer?.(server);
  return listenOnLoopback(server, 0);
}

function pathOf({ url = "/" }: http.IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}

function answer(response: http.ServerResponse, status: number): void {
  if (response.headersSent) return void response.destroy();
  // Removes headers of a file that was deleted meanwhile, above all its length.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  response.writeHead(status, { "content-type": "text/plain" }).end(`${http.STATUS_CODES[status]}\n`);
}
