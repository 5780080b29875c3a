import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join } from "node:path";
import { brotliCompressSync, gzipSync, constants as zlib } from "node:zlib";
import { statusByConditions } from "../src/http/conditions.ts";

/** One file of the page, ready to send. */
export interface StaticFile {
  readonly contentType: string;
  /** Hash of the content. */
  readonly version: string;
  /** Whether pages name it by a versioned address, which browsers can keep for ever. */
  readonly isAsset: boolean;
  /** Returns the content in an encoding, compressed at the first request for it. */
  body(encoding: Encoding): Buffer;
}

type Encoding = "br" | "gzip" | "identity";

/**
 * File and type by path. With the files of a built app, this is the whole list: no path that a client sends ever reaches
 * the file system.
 */
const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/signed-out": ["signed-out.html", "text/html; charset=utf-8"],
  "/api/errors": ["errors.html", "text/html; charset=utf-8"],
  "/assets/icon.svg": ["icon.svg", "image/svg+xml"],
  "/assets/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/assets/style.css": ["style.css", "text/css; charset=utf-8"],
} as const;

/** Folder of a built single-page app, whose file names change with their content. */
const BUILT_ASSETS = "assets";
const HASHED_NAME = /[-.](?=[\w-]*[A-Z\d_])[\w-]{8,}\.\w+$/;

/** Types of the files that bundlers emit. Others are served as bytes. */
const CONTENT_TYPES: Readonly<Partial<Record<string, string>>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/** Whether the folder holds a built single-page app: its client routes are then answered with its page. */
export function isBuiltApp(folder: string): boolean {
  return existsSync(join(folder, BUILT_ASSETS));
}

function builtAssets(folder: string): (readonly [path: string, name: string, contentType: string])[] {
  if (!isBuiltApp(folder)) return [];
  const files = readdirSync(join(folder, BUILT_ASSETS), { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ name }) => {
    const contentType = CONTENT_TYPES[extname(name)] ?? "application/octet-stream";
    return [`/assets/${name}`, join(BUILT_ASSETS, name), contentType];
  });
}

/** Reads the page's files into memory, by path. Throws when one is missing. */
export function readStaticFiles(folder: string): ReadonlyMap<string, StaticFile> {
  const named = Object.entries(FILES).map(([path, [name, contentType]]) => [path, name, contentType] as const);
  const contents = [...named, ...builtAssets(folder)].map(
    ([path, name, contentType]) => [path, contentType, readFileSync(join(folder, name))] as const,
  );
  const versions = new Map(contents.map(([path, , content]) => [path, versionOf(content)]));
  return new Map(
    contents.map(([path, contentType, content]) => {
      const body = contentType.startsWith("text/html") ? withVersions(content, versions) : content;
      const isAsset = path.startsWith("/assets/");
      return [path, { contentType, version: versionOf(body), isAsset, body: encoded(body) }];
    }),
  );
}

/** Answers with the file, or with 304 when the client already holds it. */
export function sendStaticFile(request: IncomingMessage, response: ServerResponse, file: StaticFile): void {
  const encoding = encodingFor(request.headers["accept-encoding"]);
  const etag = `"${file.version}-${encoding}"`;
  response.setHeader("cache-control", cacheControl(request.url ?? "", file));
  response.setHeader("vary", "accept-encoding");
  response.setHeader("etag", etag);
  const conditions = new Headers({ "if-none-match": request.headers["if-none-match"] ?? "" });
  if (statusByConditions(conditions, { etag }) === 304) {
    response.writeHead(304).end();
    return;
  }
  const body = file.body(encoding);
  if (encoding !== "identity") response.setHeader("content-encoding", encoding);
  response.writeHead(200, { "content-length": body.length, "content-type": file.contentType });
  response.end(body);
}

/**
 * Lets browsers keep an asset for ever under the versioned address that the pages name. Everything else is revalidated,
 * whatever query a caller adds, so that a deployment takes effect at once.
 */
function cacheControl(url: string, { version, isAsset }: StaticFile): string {
  const isNamed =
    isAsset && (url.slice(url.indexOf("?")) === `?v=${version}` || HASHED_NAME.test(url.replace(/\?.*/s, "")));
  return isNamed ? "public, max-age=31536000, immutable" : "private, no-cache";
}

/** Writes the versions of the assets into the page, which asks for them by version. */
function withVersions(html: Buffer, versions: ReadonlyMap<string, string>): Buffer {
  const versioned = html.toString().replace(/"(\/assets\/[\w.-]+)"/g, (quoted, path: string) => {
    const version = versions.get(path);
    return version === undefined ? quoted : `"${path}?v=${version}"`;
  });
  return Buffer.from(versioned);
}

function versionOf(content: Buffer): string {
  return createHash("sha256").update(content).digest("base64url").slice(0, 16);
}

function encoded(content: Buffer): StaticFile["body"] {
  const params = { [zlib.BROTLI_PARAM_SIZE_HINT]: content.length };
  const bodies: Partial<Record<Encoding, Buffer>> = { identity: content };
  return (encoding) => {
    bodies[encoding] ??= encoding === "br" ? brotliCompressSync(content, { params }) : gzipSync(content, { level: 9 });
    return bodies[encoding];
  };
}

/** Returns the best encoding that the client takes (RFC 9110, 12.5.3); of `q` only the zero counts. */
function encodingFor(acceptEncoding: string | string[] = ""): Encoding {
  const accepted = String(acceptEncoding)
    .split(",")
    .filter((entry) => !/;\s*q=0(\.0+)?\s*$/.test(entry))
    .map((entry) => entry.replace(/;.*/s, "").trim().toLowerCase());
  return (["br", "gzip"] as const).find((encoding) => accepted.includes(encoding)) ?? "identity";
}
