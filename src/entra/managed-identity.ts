import { type AuthenticationResult, type INetworkModule, ManagedIdentityApplication } from "@azure/msal-node";
import { AppError } from "../errors.ts";
import { retriedOnce, TokenEndpointError } from "./msal-network.ts";

/** The app's managed identity and the audience of its token. */
export interface ManagedIdentity {
  /** Client id of the user-assigned identity. */
  readonly clientId: string;
  /** The cloud's audience of token exchange, for example `api://AzureADTokenExchange`. */
  readonly audience: string;
}

/** Time before a token's end when it is renewed, as MSAL does: no assertion sent to Entra is about to end. */
const RENEWED_BEFORE_END_MS = 300_000;

/**
 * Makes a function that returns the managed identity's token, the app's credential where the app registration trusts the
 * identity (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity).
 * The token is requested at first use, once for all callers that wait, and kept until 5 minutes before its end. While no new
 * one can be had, the last one serves to its end. Does not check whether the app registration trusts the identity: Entra
 * does, at the exchange.
 *
 * The function throws AppError `misconfigured` when the platform refuses, `identity_unavailable` when it does not answer.
 *
 * @param network bounds each request in time; throws `TokenEndpointError` unless the answer is a success
 */
export function createFederatedAssertion(
  { clientId, audience }: ManagedIdentity,
  network: INetworkModule,
): () => Promise<string> {
  let application: ManagedIdentityApplication | undefined;
  let current = { assertion: "", endsAt: 0 };
  let renewing: Promise<string> | undefined;

  async function renew(): Promise<string> {
    // MSAL's own retries have no bound in time, and its cache fails while it renews a token that is still valid.
    application ??= new ManagedIdentityApplication({
      managedIdentityIdParams: { userAssignedClientId: clientId },
      system: { networkClient: network, disableInternalRetries: true },
    });
    const ask = application.acquireToken.bind(application, { resource: audience, forceRefresh: true });
    try {
      const { accessToken, expiresOn } = await retriedOnce<AuthenticationResult>(ask);
      // MSAL does not check the answer.
      if (typeof accessToken !== "string" || accessToken === "") {
        throw new AppError("identity_unavailable", { hint: `${ENDPOINT} answered without a token.` });
      }
      current = { assertion: accessToken, endsAt: expiresOn?.getTime() ?? 0 };
    } catch (error) {
      if (!(Date.now() < current.endsAt)) throw failureOf(error);
    }
    return current.assertion;
  }

  return async () => {
    if (Date.now() < current.endsAt - RENEWED_BEFORE_END_MS) return current.assertion;
    renewing ??= renew().finally(() => {
      renewing = undefined;
    });
    return renewing;
  };
}

const ENDPOINT = "The endpoint of managed identities";
/** Statuses of an endpoint that is not ready yet: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#retry-guidance */
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
