import { addAbortSignal, isReadable, type Readable } from "node:stream";
import { HttpResponse, type HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";

/** Maximum of bytes of an answer, which is in memory here and in the host before any of it leaves. */
export const MAX_ANSWER_BYTES = 16 * 1_048_576;

/**
 * Reads an answer's body into memory when it is a web stream or a Node stream, bounded in bytes, and in time by the signal.
 * Large content goes from its service to the client: docs/add-an-endpoint.md
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
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    if (isReadable(body as Readable)) addAbortSignal(signal, body as Readable);
    for await (const chunk of body) {
      const bytes = Buffer.from(chunk as Uint8Array);
      size += bytes.length;
      // Leaving the loop ends the stream.
      if (size > MAX_ANSWER_BYTES) break;
      chunks.push(bytes);
    }
  } catch (cause) {
    throw new AppError(signal.aborted ? "downstream_timeout" : "downstream_failed", { cause });
  }
  if (size <= MAX_ANSWER_BYTES) return Buffer.concat(chunks);
  throw new AppError("internal_error", { hint: "The handler returned a stream of more than 16 MiB." });
}
