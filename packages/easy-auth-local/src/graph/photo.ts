import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Account, GRAPH_ORIGIN } from "../directory/directory.ts";
import { json, type Reply, type RoutedRequest } from "../http/router.ts";
import { packageFile } from "../package-file.ts";
import { graphError, requestIds } from "./errors.ts";

/** Pixels. https://learn.microsoft.com/graph/api/profilephoto-get: the sizes Microsoft 365 keeps, all of them square. */
const SIZES = [48, 64, 96, 120, 240, 360, 432, 504, 648] as const;
const LARGEST = "648x648";
const BY_ID: ReadonlyMap<string, number> = new Map(SIZES.map((size) => [`${size}x${size}`, size]));

/** Answers with a photo's bytes, in the size that is asked for, or the largest. */
export async function photoBytes(request: RoutedRequest, account: Account): Promise<Reply> {
  const id = request.params.size?.toLowerCase() ?? LARGEST;
  if (account.hasPhoto === false || !BY_ID.has(id)) return noPhoto(request);
  const body = await read(id);
  const headers = {
    "content-type": "image/jpeg",
    etag: etagOf(body),
    "cache-control": "private",
    ...requestIds(request),
  };
  return { status: 200, headers, body };
}

/** Answers with the metadata of a photo. */
export async function photoMetadata(request: RoutedRequest, account: Account): Promise<Reply> {
  const id = request.params.size?.toLowerCase() ?? LARGEST;
  if (account.hasPhoto === false || !BY_ID.has(id)) return noPhoto(request);
  const context = `${GRAPH_ORIGIN}/v1.0/$metadata#users('${account.objectId}')/photo${request.params.size ? "s" : ""}/$entity`;
  return json(200, { "@odata.context": context, ...(await metadataOf(id)) }, requestIds(request));
}

/** Lists all sizes of the photo; none when there is no photo. */
export async function photoList(request: RoutedRequest, account: Account): Promise<Reply> {
  const context = `${GRAPH_ORIGIN}/v1.0/$metadata#users('${account.objectId}')/photos`;
  const ids = account.hasPhoto === false ? [] : [...BY_ID.keys()];
  return json(200, { "@odata.context": context, value: await Promise.all(ids.map(metadataOf)) }, requestIds(request));
}

async function metadataOf(id: string): Promise<object> {
  const size = BY_ID.get(id);
  const etag = etagOf(await read(id));
  return { "@odata.mediaContentType": "image/jpeg", "@odata.mediaEtag": etag, id, width: size, height: size };
}

/** Reads the photo in a size. All users with a photo have the same one. */
function read(id: string): Promise<Buffer> {
  return readFile(packageFile(`assets/photos/${id}.jpeg`));
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("sha256").update(bytes).digest("hex").slice(0, 8).toUpperCase()}"`;
}

function noPhoto(request: RoutedRequest): Reply {
  const text = "Exception of type 'Microsoft.Fast.Profile.Core.Exception.ImageNotFoundException' was thrown.";
  return graphError(request, 404, "ImageNotFound", text);
}
