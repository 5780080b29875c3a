import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";
import { conditionalResponse } from "../http/conditional-response.ts";
import type { SignedInUser } from "../user.ts";
import { type Files, refuseArchived } from "./container.ts";
import { attachment } from "./file-name.ts";

/** Maximum of bytes of relayed files in memory, for all users and for one. */
const MOST_BYTES = 128 * 1_048_576;
const MOST_BYTES_OF_A_USER = 32 * 1_048_576;

/** Bytes of relayed files in memory, by user. */
const onTheirWay = new Map<string, number>();

/**
 * Answers with the file, or the requested part of it, where clients cannot reach the storage account. At most 16 MiB at once.
 *
 * @throws AppError `overloaded`, and as `conditionalResponse` does; what Storage's client throws
 */
export async function relayResponse(
  { container }: Files,
  request: HttpRequest,
  name: string,
  { tenantId, objectId, deadline }: SignedInUser,
): Promise<HttpResponseInit> {
  const abortSignal = deadline.signal;
  const blob = container.getBlobClient(name);
  const { etag = "", lastModified, contentLength: length = 0, ...file } = await blob.getProperties({ abortSignal });
  refuseArchived(file);
  const { contentType = "application/octet-stream", contentEncoding } = file;
  return conditionalResponse(request, {
    ...{ etag, lastModified, length, contentType },
    headers: {
      "content-security-policy": "sandbox; default-src 'none'",
      "cross-origin-resource-policy": "same-origin",
      "content-disposition": attachment(name),
      ...(contentEncoding && { "content-encoding": contentEncoding }),
    },
    read: (first, count) =>
      counted(`${tenantId} ${objectId}`, count, () =>
        // The file may have been replaced since its properties were read.
        blob.downloadToBuffer(first, count, { abortSignal, conditions: { ifMatch: etag }, concurrency: 1 }),
      ),
  });
}

async function counted<T>(userId: string, bytes: number, work: () => Promise<T>): Promise<T> {
  const own = onTheirWay.get(userId) ?? 0;
  const all = [...onTheirWay.values()].reduce((sum, one) => sum + one, 0);
  if (own + bytes > MOST_BYTES_OF_A_USER || all + bytes > MOST_BYTES) {
    throw new AppError("overloaded", { hint: "Too many files are on their way.", retryAfterSeconds: 1 });
  }
  onTheirWay.set(userId, own + bytes);
  try {
    return await work();
  } finally {
    const left = (onTheirWay.get(userId) ?? 0) - bytes;
    if (left > 0) onTheirWay.set(userId, left);
    else onTheirWay.delete(userId);
  }
}
