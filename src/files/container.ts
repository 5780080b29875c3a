import type { TokenCredential } from "@azure/core-auth";
import type { BlobServiceClient, ContainerClient } from "@azure/storage-blob";
import { ARCHIVED } from "../downstream/failure.ts";
import { AppError } from "../errors.ts";
import type { StorageSettings } from "../settings/storage.ts";

/** The one delegated scope of Azure Storage; roles there say what a user may read. */
export const STORAGE_SCOPES: readonly string[] = ["https://storage.azure.com/user_impersonation"];

/** Retries of Storage's client, few and soon: a request has seconds, and its signal ends them. */
const RETRIES = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1000 };

/** The container as one user sees it, with its settings. */
export interface Files extends StorageSettings {
  readonly container: ContainerClient;
  /** Client of the account, for the user's delegation keys. */
  readonly account: BlobServiceClient;
}

/** Opens the container as the user of the credential. Sends nothing yet. `sdkFailure` explains what its calls throw. */
export async function openFiles(settings: StorageSettings, credential: TokenCredential): Promise<Files> {
  // Loaded at first use: it takes longer to load than all of this app.
  const { BlobServiceClient } = await import("@azure/storage-blob");
  const account = new BlobServiceClient(settings.accountUrl, credential, { retryOptions: RETRIES });
  return { ...settings, account, container: account.getContainerClient(settings.containerName) };
}

/** Throws for a blob that Storage has but does not serve, `BlobArchived`: its properties can be read all the same. */
export function refuseArchived({ accessTier }: { readonly accessTier?: string }): void {
  if (accessTier === "Archive") throw new AppError("conflict", { ...ARCHIVED, hint: "Azure: BlobArchived" });
}
