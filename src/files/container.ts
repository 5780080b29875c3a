import type { TokenCredential } from "@azure/core-auth";
import type { ContainerClient } from "@azure/storage-blob";
import type { StorageSettings } from "../settings/storage.ts";

/** All that Azure Storage has for users: what they may read there, their roles say. */
export const STORAGE_SCOPES: readonly string[] = ["https://storage.azure.com/user_impersonation"];

/** The client's own tries: few and soon, since a request has seconds. Its signal ends them. */
const RETRIES = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1000 };

/** The container as the user of the credential. Makes no request yet. What its calls throw, `sdk-failure.ts` explains. */
export async function openContainer(
  { accountUrl, container }: StorageSettings,
  credential: TokenCredential,
): Promise<ContainerClient> {
  // Loaded when first needed: it takes longer than all of this app.
  const { ContainerClient } = await import("@azure/storage-blob");
  return new ContainerClient(`${accountUrl}/${container}`, credential, { retryOptions: RETRIES });
}
