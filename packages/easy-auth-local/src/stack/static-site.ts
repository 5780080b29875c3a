import http from "node:http";
import type { LoopbackServer } from "../http/loopback-server.ts";
import { listenOnLoopback } from "../http/loopback-server.ts";

/** Bytes of headers that the gate lets through, and what it adds to them. */
const MAX_HEADER_SIZE = 131_072;

/** Serves a folder's files as they are, and index.html for every address without one, as single-page apps need it. */
export async function startStaticSite(
  folder: string,
  onServer?: (server: http.Server) => void,
): Promise<LoopbackServer> {
  // Loaded when it is needed.
  const { default: sirv } = await import("sirv");
  const serve = sirv(folder, { dev: true, single: true, dotfiles: false });
  const server = http.createServer({ maxHeaderSize: MAX_HEADER_SIZE }, (request, response) => {
    serve(request, response, () => {
      response.writeHead(404, { "content-type": "text/plain" }).end("Not found\n");
    });
  });
  onServer?.(server);
  return listenOnLoopback(server, 0);
}
