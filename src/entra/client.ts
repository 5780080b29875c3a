import { ConfidentialClientApplication, type NodeAuthOptions } from "@azure/msal-node";
import { type AppToken, createRenewedToken } from "../outgoing/renewed-token.ts";
import type { Settings } from "../settings.ts";
import { createIdentityToken } from "./managed-identity.ts";
import { createMsalNetwork, retriedOnce } from "./msal-network.ts";

/** Share of the request's time for one token request; leaves room for a retry and for Graph. */
const TOKEN_TIMEOUT_SHARE = 0.4;
/** Share of the request's time for the managed identity, whose endpoint is on the same machine. */
const IDENTITY_TIMEOUT_SHARE = 0.2;

/**
 * Makes the MSAL client, once per process: it lives in module scope. Sends nothing yet: MSAL knows the endpoints of
 * Microsoft's clouds, and a wrong credential shows at the first exchange.
 */
export function createConfidentialClient(settings: Settings): ConfidentialClientApplication {
  const { origin, tenant } = settings.authority;
  return new ConfidentialClientApplication({
    auth: {
      clientId: settings.clientId,
      authority: `${origin}/${tenant}`,
      // Opts in to continuous access evaluation: tokens may be revoked before their end, and this app hands the challenge on.
      clientCapabilities: ["cp1"],
      ...credentialOf(settings),
    },
    system: { networkClient: createMsalNetwork(settings.requestTimeoutMs * TOKEN_TIMEOUT_SHARE) },
  });
}

/** Returns MSAL's options for the app's credential. */
function credentialOf({ credential, requestTimeoutMs }: Settings): Partial<NodeAuthOptions> {
  switch (credential.kind) {
    case "managedIdentity": {
      // Entra checks at the exchange whether the app registration trusts the identity:
      // https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
      const token = identityToken(credential.clientId, credential.audience, requestTimeoutMs);
      return { clientAssertion: async () => (await token()).accessToken };
    }
    case "certificate":
      return { clientCertificate: { ...credential.certificate } };
    case "secret":
      return { clientSecret: credential.secret };
  }
}

function identityToken(clientId: string, resource: string, requestTimeoutMs: number): () => Promise<AppToken> {
  return createIdentityToken(clientId, resource, createMsalNetwork(requestTimeoutMs * IDENTITY_TIMEOUT_SHARE));
}

/**
 * Makes a function that gives this app's own token for a resource such as `https://storage.azure.com`: the managed
 * identity's where there is one, else the app registration's (client credentials).
 */
export function createAppToken(
  { credential, authority, requestTimeoutMs, allowedTenants }: Settings,
  client: Pick<ConfidentialClientApplication, "acquireTokenByClientCredential">,
  resource: string,
): () => Promise<AppToken> {
  if (credential.kind === "managedIdentity") return identityToken(credential.clientId, resource, requestTimeoutMs);
  // The first allowed tenant, which has to be the app's own: `common` and `organizations` give no app a token.
  const request = {
    scopes: [`${resource}/.default`],
    authority: `${authority.origin}/${allowedTenants[0]}`,
    skipCache: true,
  };
  return createRenewedToken(() => retriedOnce(() => client.acquireTokenByClientCredential(request)));
}
