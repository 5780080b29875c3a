import type { HttpResponseInit } from "@azure/functions";
import type { UserDelegationKey } from "@azure/storage-blob";
import { AppError } from "../errors.ts";
import type { SignedInUser } from "../user.ts";
import { type Files, refuseArchived } from "./container.ts";
import { attachment } from "./file-name.ts";

/** Time in which a link can be used; a download that has begun goes on. */
const LINK_MS = 5 * 60_000;
/** Tolerance for a clock of Storage that is behind ours. */
const SKEW_MS = 60_000;
/** Version of Storage's signatures: the newest that Azurite 3.35 knows. */
const VERSION = "2025-11-05";

/**
 * Redirects the client to the file in Storage, by a link that is signed with the user's delegation key. It is for reading
 * this blob over https, for five minutes at most and no longer than the user's token. Whoever has the link may use it, so
 * no log holds it. Storage checks the signer's role at each use:
 * https://learn.microsoft.com/rest/api/storageservices/create-user-delegation-sas
 *
 * @throws AppError `downstream_forbidden` when the user's role is for the container alone; what Storage's client throws
 */
export async function linkResponse(
  files: Files,
  name: string,
  { expiresAt, deadline }: SignedInUser,
): Promise<HttpResponseInit> {
  const blob = files.container.getBlobClient(name);
  const endsAt = new Date(Math.min(Date.now() + LINK_MS, expiresAt * 1000));
  const startsAt = new Date(Date.now() - SKEW_MS);
  const options = { abortSignal: deadline.signal };
  const [found, key] = await Promise.allSettled([
    blob.getProperties(options),
    files.account.getUserDelegationKey(startsAt, endsAt, options),
  ]);
  if (found.status === "rejected") throw found.reason;
  refuseArchived(found.value);
  if (key.status === "rejected") throw withoutKey(key.reason);
  return {
    status: 302,
    headers: {
      location: `${files.publicUrl}${blob.url.slice(files.accountUrl.length)}?${await signatureFor(files, name, key.value, endsAt)}`,
      "cache-control": "no-store",
      "referrer-policy": "no-referrer",
    },
  };
}

/** Returns the query of a link to a blob. */
async function signatureFor(
  { accountName, containerName }: Files,
  name: string,
  key: UserDelegationKey,
  expiresOn: Date,
): Promise<string> {
  const { BlobSASPermissions, generateBlobSASQueryParameters, SASProtocol } = await import("@azure/storage-blob");
  const values = {
    ...{ containerName, blobName: name, version: VERSION, protocol: SASProtocol.Https, expiresOn },
    permissions: BlobSASPermissions.parse("r"),
    contentDisposition: attachment(name),
    cacheControl: "private, no-cache",
  };
  return generateBlobSASQueryParameters(values, key, accountName).toString();
}

/** Returns the failure of a user who may read the file, which was found, but gets no delegation key. */
function withoutKey(error: unknown): unknown {
  const { statusCode } = error as { readonly statusCode?: number };
  if (statusCode !== 403) return error;
  return new AppError("downstream_forbidden", {
    detail:
      "You may read this file, but not download it by a link. Whoever gives roles can give you Storage Blob Delegator on " +
      "the storage account.",
    hint: "Storage: the user's role allows no delegation key. Assign Storage Blob Delegator on the storage account.",
    cause: error,
  });
}
