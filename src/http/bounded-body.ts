import { addAbortSignal, isReadable, Readable } from "node:stream";
import { HttpResponse, type HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";
import { unreachable } from "../outgoing/send.ts";

/** Maximum of bytes of an answer, which is in memory here and in the host before any of it leaves. */
export const MAX_ANSWER_BYTES = 16 * 1_048_576;

/**
 * Reads an answer's body into memory when it is a web stream, a Node stream or an async iterator, bounded in bytes, and in time
 * by the signal. Large content goes from its service to the client: docs/add-an-endpoint.md
 *
 * @throws AppError `internal_error` for more than 16 MiB, `downstream_failed` or `downstream_timeout` when the stream fails
 */
export async function inMemory(
  answer: HttpResponseInit | HttpResponse,
  signal: AbortSignal,
): Promise<HttpResponseInit | HttpResponse> {
  const body: unknown = answer.body;
  if (!isAsyncIterable(body)) return answer;
  const bytes = await bytesOf(body, signal);
  if (!(answer instanceof HttpResponse)) return { ...answer, body: bytes };
  const { status, headers, cookies } = answer;
  return new HttpResponse({ status, headers, cookies, body: bytes });
}

function isAsyncIterable(body: unknown): body is AsyncIterable<unknown> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

async function bytesOf(body: AsyncIterable<unknown>, signal: AbortSignal): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  try {
    const stream = isReadable(body as Readable) ? (body as Readable) : Readable.from(body);
    bytes = await readUpTo(MAX_ANSWER_BYTES, addAbortSignal(signal, stream));
  } catch (cause) {
    throw unreachable(cause, signal);
  }
  if (bytes) return bytes;
  throw new AppError("internal_error", { hint: "The handler returned a stream of more than 16 MiB." });
}

/** Reads a stream into memory. Ends it, and returns undefined, when it is longer than `maxBytes`. */
export async function readUpTo(maxBytes: number, body: AsyncIterable<unknown>): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    // Leaving the loop ends the stream.
    if (size > maxBytes) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
