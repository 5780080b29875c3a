import type { TokenCredential } from "@azure/core-auth";
import type { BlobServiceClient, ContainerClient } from "@azure/storage-blob";
import type { StorageSettings } from "../settings/storage.ts";

/** All that Azure Storage has for users: what they may read there, their roles say. */
export const STORAGE_SCOPES: readonly string[] = ["https://storage.azure.com/user_impersonation"];

/** The client's own tries: few and soon, since a request has seconds. Its signal ends them. */
const RETRIES = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1000 };

/** The container as one user, and what is set about it. */
export interface Files extends StorageSettings {
  readonly container: ContainerClient;
  /** For the user's delegation keys. */
  readonly account: BlobServiceClient;
}

/** The container as the user of the credential. Makes no request yet. What its calls throw, `sdkFailure` explains. */
export async function openFiles(settings: StorageSettings, credential: TokenCredential): Promise<Files> {
  // Loaded when first needed: it takes longer than all of this app.
  const { BlobServiceClient } = await import("@azure/storage-blob");
  const account = new BlobServiceClient(settings.accountUrl, credential, { retryOptions: RETRIES });
  return { ...settings, account, container: account.getContainerClient(settings.containerName) };
}
