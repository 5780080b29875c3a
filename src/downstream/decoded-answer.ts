import { pipeline, type Readable } from "node:stream";
import { constants, createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { AppError } from "../errors.ts";
import type { OutgoingAnswer } from "../outgoing/send.ts";

/** Takes a body without its last block, as fetch does: the connection tells whether it is whole. */
const ZLIB = { flush: constants.Z_SYNC_FLUSH, finishFlush: constants.Z_SYNC_FLUSH };
const BROTLI = { flush: constants.BROTLI_OPERATION_FLUSH, finishFlush: constants.BROTLI_OPERATION_FLUSH };

const DECODERS: ReadonlyMap<string, () => NodeJS.ReadWriteStream> = new Map([
  ["gzip", () => createGunzip(ZLIB)],
  ["x-gzip", () => createGunzip(ZLIB)],
  ["deflate", () => createInflate(ZLIB)],
  ["br", () => createBrotliDecompress(BROTLI)],
]);

const ignore = () => {};

/**
 * Returns an answer without the coding it was sent in (https://www.rfc-editor.org/rfc/rfc9110#section-8.4), and without
 * the headers about the coded bytes. The reader has to bound the decoded bytes.
 *
 * @throws AppError `downstream_failed` for a coding that is not known
 */
export function decodedAnswer(answer: OutgoingAnswer): { body: Readable; headers: OutgoingAnswer["headers"] } {
  const { headers, body, statusCode } = answer;
  const coding = String(headers["content-encoding"] ?? "")
    .trim()
    .toLowerCase();
  if (coding === "" || coding === "identity" || statusCode === 204 || statusCode === 304) return answer;
  const create = DECODERS.get(coding);
  if (!create) {
    body.on("error", ignore).destroy();
    throw new AppError("downstream_failed", { hint: "The service's answer has a content coding that is not known." });
  }
  const decoder = create() as unknown as Readable & NodeJS.WritableStream;
  // Without a listener, an error that comes before the first reading would end the process.
  pipeline(body, decoder.on("error", ignore), ignore);
  const { "content-encoding": _, "content-length": __, ...others } = headers;
  return { body: decoder, headers: others };
}
