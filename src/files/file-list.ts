import type { BlobItem, ContainerClient } from "@azure/storage-blob";
import { AppError } from "../errors.ts";
import { parameterOf } from "../http/query.ts";

export interface FilePage {
  readonly files: readonly {
    readonly name: string;
    /** Size in bytes. */
    readonly size: number;
    readonly contentType: string;
    readonly lastModified: string;
  }[];
  /** Value of `?continuation=` for the next page; absent after the last. */
  readonly continuation?: string;
}

export interface PageRequest {
  readonly limit: number;
  /** Storage's own marker. */
  readonly marker: string | undefined;
}

const MAX_LIMIT = 1000;
const DEFAULT_LIMIT = 100;
const CONTINUATION = /^[\w-]{1,4096}$/;

/** Returns one page of the container's blobs in the order of their names. */
export async function listFiles(
  container: ContainerClient,
  { limit, marker }: PageRequest,
  abortSignal: AbortSignal,
): Promise<FilePage> {
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
 * Reads the page that `?limit=` (1 to 1000, default 100) and `?continuation=` ask for. Storage checks the continuation.
 *
 * @throws AppError `invalid_request`
 */
export function pageFrom(query: URLSearchParams): PageRequest {
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
