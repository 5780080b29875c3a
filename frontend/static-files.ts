import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";

/** One file of the page, ready to send. */
export interface StaticFile {
  readonly body: Buffer;
  readonly contentType: string;
  readonly etag: string;
}

/** Path → file and type. The whole list: no path a client sends ever reaches the file system. */
const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/style.css": ["style.css", "text/css; charset=utf-8"],
} as const;

/** Reads the page's files into memory, by path. Throws when one is missing. */
export function readStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  return new Map(
    Object.entries(FILES).map(([path, [name, contentType]]) => {
      const body = readFileSync(join(folder, name));
      const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
      return [path, { body, contentType, etag }];
    }),
  );
}

/** Answers with the file, or with 304 when the client already holds it. */
export function sendStaticFile(request: IncomingMessage, response: ServerResponse, file: StaticFile): void {
  // no-cache: kept by the browser, but asked for again each time, so that a deployment shows at once.
  response.setHeader("cache-control", "no-cache");
  response.setHeader("etag", file.etag);
  if (isHeldByClient(request.headers["if-none-match"], file.etag)) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(200, { "content-length": file.body.length, "content-type": file.contentType });
  response.end(file.body);
}

/** The weak comparison of https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2. */
function isHeldByClient(ifNoneMatch = "", etag: string): boolean {
  const held = ifNoneMatch.split(",").map((entry) => entry.trim().replace(/^W\//, ""));
  return held.includes(etag) || held.includes("*");
}
