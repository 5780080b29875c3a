import { hash } from "node:crypto";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";
import { MAX_ANSWER_BYTES } from "./bounded-body.ts";
import { rangeOf, statusByConditions, type Validators } from "./conditions.ts";

/** A representation that clients may ask for in part, or only when it has changed. */
export interface Representation extends Validators {
  /** Length in bytes. */
  readonly length: number;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Reads `count` bytes from `first` on. */
  read(first: number, count: number): Promise<Uint8Array> | Uint8Array;
}

/**
 * Answers a GET or HEAD by https://www.rfc-editor.org/rfc/rfc9110#section-13 and 14: 200, 206 or 304. Browsers
 * may keep the answer, but have to ask again before each use, so that the next user of a browser never sees it.
 *
 * @throws AppError `precondition_failed`, `range_not_satisfiable`, and `invalid_request` for more than 16 MiB at once
 */
export async function conditionalResponse(
  { method, headers }: HttpRequest,
  representation: Representation,
): Promise<HttpResponseInit> {
  const { etag, lastModified, length, contentType, read } = representation;
  const validators = {
    etag,
    ...(lastModified && { "last-modified": lastModified.toUTCString() }),
    "cache-control": "private, no-cache",
    ...representation.headers,
  };
  const status = statusByConditions(headers, representation);
  if (status === 304) return { status, headers: validators };
  if (status === 412) throw new AppError("precondition_failed");
  const all = { ...validators, "content-type": contentType, "accept-ranges": "bytes" };
  if (method === "HEAD") return { headers: { ...all, "content-length": String(length) } };
  const range = rangeOf(headers, etag, length);
  if (range === "unsatisfiable") {
    throw new AppError("range_not_satisfiable", { headers: { "content-range": `bytes */${length}` } });
  }
  const { first, last } = range ?? { first: 0, last: length - 1 };
  const count = last - first + 1;
  if (count > MAX_ANSWER_BYTES) throw tooLong(length);
  const body = count > 0 ? await read(first, count) : new Uint8Array();
  if (!range) return { headers: all, body };
  return { status: 206, headers: { ...all, "content-range": `bytes ${first}-${last}/${length}` }, body };
}

/** Answers with bytes in memory, whose ETag is their digest. */
export function bytesResponse(request: HttpRequest, bytes: Uint8Array, contentType: string): Promise<HttpResponseInit> {
  const read = (first: number, count: number) => bytes.subarray(first, first + count);
  const etag = `"${hash("sha256", bytes, "base64url")}"`;
  return conditionalResponse(request, { etag, length: bytes.length, contentType, read });
}

function tooLong(length: number): AppError {
  const detail = `This has ${length} bytes, and one answer at most ${MAX_ANSWER_BYTES}. Ask for a part with Range: bytes=0-${MAX_ANSWER_BYTES - 1}.`;
  return new AppError("invalid_request", { detail });
}
