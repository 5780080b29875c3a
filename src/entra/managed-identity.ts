import { type AuthenticationResult, type INetworkModule, ManagedIdentityApplication } from "@azure/msal-node";
import { AppError } from "../errors.ts";
import { type AppToken, createRenewedToken } from "../outgoing/renewed-token.ts";
import { retriedOnce, TokenEndpointError } from "./msal-network.ts";

/**
 * Makes a function that returns the user-assigned managed identity's token for a resource, as `createRenewedToken` does.
 * It throws AppError `misconfigured` when the platform refuses, `identity_unavailable` when it does not answer.
 *
 * @param network bounds each request in time; throws `TokenEndpointError` unless the answer is a success
 */
export function createIdentityToken(
  clientId: string,
  resource: string,
  network: INetworkModule,
): () => Promise<AppToken> {
  let application: ManagedIdentityApplication | undefined;
  return createRenewedToken(async () => {
    // MSAL's own retries and waits have no bound in time; its cache would fail while it renews a token that is still good.
    application ??= new ManagedIdentityApplication({
      managedIdentityIdParams: { userAssignedClientId: clientId },
      system: { networkClient: network, disableInternalRetries: true },
    });
    const request = application.acquireToken.bind(application, { resource, forceRefresh: true });
    return retriedOnce<AuthenticationResult>(request).catch((error) => {
      throw failureOf(error);
    });
  });
}

const ENDPOINT = "The endpoint of managed identities";
/**
 * Statuses of an endpoint that is not ready yet:
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance
 */
const NOT_READY: ReadonlySet<number> = new Set([404, 408, 410, 429]);

function failureOf(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // MSAL's own errors: an answer that it cannot read.
  if (!(error instanceof TokenEndpointError)) {
    return new AppError("identity_unavailable", { hint: `${ENDPOINT} gave no usable answer.`, cause: error });
  }
  const { status, errorCode } = error;
  if (status < 400 || status >= 500 || NOT_READY.has(status)) {
    const hint = `${ENDPOINT} failed: ${status || errorCode}. It exists in Azure only, in apps with an identity.`;
    return new AppError("identity_unavailable", { hint, cause: error });
  }
  const hint =
    `${ENDPOINT} refused: ${status}. Assign the user-assigned identity to this app, and set ` +
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID to its client id.";
  return new AppError("misconfigured", { hint, cause: error });
}
