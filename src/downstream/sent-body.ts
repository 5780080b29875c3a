import type { Readable } from "node:stream";
import { AppError } from "../errors.ts";

/** Bodies that a call as the user can have. A stream can be sent once only, so a call with one is never repeated. */
export type CallBody = RequestInit["body"] | Readable;

/** A body as it is sent, with its own content type. */
export interface SentBody {
  readonly body: string | Uint8Array | Readable | undefined;
  readonly contentType: string | null;
}

export const NO_BODY: SentBody = { body: undefined, contentType: null };

/**
 * Makes the body that is sent. A form or a blob brings its own content type.
 *
 * @throws AppError `internal_error` for anything else, such as an object that was not made JSON
 */
export async function sentBodyOf(body: CallBody): Promise<SentBody> {
  if (body === undefined || body === null) return NO_BODY;
  if (typeof body === "string" || body instanceof Uint8Array) return { body, contentType: null };
  if (typeof body === "object" && Symbol.asyncIterator in body) return { body: body as Readable, contentType: null };
  const isKnown = [ArrayBuffer, Blob, FormData, URLSearchParams].some((kind) => body instanceof kind);
  if (!isKnown && !ArrayBuffer.isView(body)) {
    throw new AppError("internal_error", {
      hint: "The body of a call as the user is neither text, bytes, a form nor a stream. Write JSON with JSON.stringify.",
    });
  }
  const response = new Response(body);
  return { body: new Uint8Array(await response.arrayBuffer()), contentType: response.headers.get("content-type") };
}
