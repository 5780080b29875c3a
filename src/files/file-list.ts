import type { BlobItem, ContainerClient } from "@azure/storage-blob";
import { AppError } from "../errors.ts";
import { parameterOf } from "../http/query.ts";

/** Schema of the answer. */
export { default as FILE_PAGE } from "./file-page.schema.json" with { type: "json" };

const MAX_LIMIT = 1000;
const DEFAULT_LIMIT = 100;
const CONTINUATION = /^[\w-]{1,4096}$/;

/** The parameters of a page. */
export const PAGE_QUERY = {
  limit: { type: "integer", minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
  continuation: { type: "string", description: "That of the page before; without it, the first page." },
};

/** Returns one page of the container's blobs in the order of their names. */
export async function listFiles(
  container: ContainerClient,
  { limit, marker }: ReturnType<typeof pageFrom>,
  abortSignal: AbortSignal,
) {
  const pages = container
    .listBlobsFlat({ abortSignal })
    .byPage({ maxPageSize: limit, ...(marker !== undefined && { continuationToken: marker }) });
  const { value: page } = await pages.next();
  const blobs: readonly BlobItem[] = page?.segment.blobItems ?? [];
  const files = blobs.map(({ name, properties }) => ({
    name,
    size: properties.contentLength ?? 0,
    contentType: properties.contentType ?? "application/octet-stream",
    lastModified: properties.lastModified?.toISOString() ?? "",
  }));
  const next = page?.continuationToken;
  return { files, ...(next && { continuation: Buffer.from(next).toString("base64url") }) };
}

/**
 * Reads the page that `?limit=` (1 to 1000, default 100) and `?continuation=` ask for. Storage checks its own `marker`.
 *
 * @throws AppError `invalid_request`
 */
export function pageFrom(query: URLSearchParams) {
  const limit = parameterOf(query, "limit") ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_LIMIT) {
    throw new AppError("invalid_request", { detail: `limit takes a whole number from 1 to ${MAX_LIMIT}.` });
  }
  const continuation = parameterOf(query, "continuation");
  if (continuation !== undefined && !CONTINUATION.test(continuation)) {
    throw new AppError("invalid_request", { detail: "continuation takes the continuation of the page before." });
  }
  return { limit: Number(limit), marker: continuation && Buffer.from(continuation, "base64url").toString() };
}
