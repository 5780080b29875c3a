import { ReadableStream } from "node:stream/web";
import type { HttpResponseInit } from "@azure/functions";
import type { BlobDownloadResponseParsed, ContainerClient } from "@azure/storage-blob";
import type { FileRequest } from "./file-request.ts";

/** A browser keeps the file but asks again each time; it is offered for download, and never runs as a page of this site. */
const SAFE = {
  "cache-control": "private, no-cache",
  "content-security-policy": "sandbox; default-src 'none'",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * The answer to a request for a file, read as the client's user: 200, 206 with the part that was asked for, or 304. Its body
 * is a stream, which ends with an error when the signal is aborted. Throws what the client throws.
 */
export async function fileResponse(
  container: ContainerClient,
  request: FileRequest,
  signal: AbortSignal,
): Promise<HttpResponseInit> {
  try {
    return answerWith(await download(container, request, signal), request);
  } catch (error) {
    const { statusCode } = error as { readonly statusCode?: number };
    if (statusCode === 304) return { status: 304, headers: { ...SAFE, etag: request.ifNoneMatch ?? "" } };
    if (statusCode !== 412 || !request.part) throw error;
    return fileResponse(container, { ...request, part: undefined, ifRange: undefined }, signal);
  }
}

function download(
  container: ContainerClient,
  { name, part, ifRange, ifNoneMatch }: FileRequest,
  abortSignal: AbortSignal,
): Promise<BlobDownloadResponseParsed> {
  const conditions = {
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(part && ifRange !== undefined && { ifMatch: ifRange }),
  };
  return container.getBlobClient(name).download(part?.offset, part?.count, { abortSignal, conditions });
}

function answerWith(file: BlobDownloadResponseParsed, { name, part }: FileRequest): HttpResponseInit {
  const { readableStreamBody: body } = file;
  return {
    status: part ? 206 : 200,
    headers: headersOf(file, name),
    ...(body && { body: toWeb(body) }),
  };
}

/** As `Readable.toWeb`, but for its copy of every chunk. An error is for whoever reads; there may be nobody yet. */
function toWeb(body: NodeJS.ReadableStream): ReadableStream {
  return ReadableStream.from(body.on("error", () => {}));
}

function headersOf(file: BlobDownloadResponseParsed, name: string): Record<string, string> {
  const { contentType = "application/octet-stream", contentLength, contentEncoding, contentRange } = file;
  const { etag, lastModified } = file;
  return {
    ...SAFE,
    "accept-ranges": "bytes",
    ...(contentLength !== undefined && { "content-length": String(contentLength) }),
    "content-type": contentType,
    "content-disposition": `attachment; filename*=UTF-8''${extendedValueOf(name.split("/").at(-1) ?? "")}`,
    ...(contentEncoding && { "content-encoding": contentEncoding }),
    ...(contentRange && { "content-range": contentRange }),
    ...(etag && { etag }),
    ...(lastModified && { "last-modified": lastModified.toUTCString() }),
  };
}

/** https://www.rfc-editor.org/rfc/rfc8187#section-3.2 */
function extendedValueOf(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
