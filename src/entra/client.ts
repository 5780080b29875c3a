import { ConfidentialClientApplication, type NodeAuthOptions } from "@azure/msal-node";
import type { Settings } from "../settings.ts";
import { createFederatedAssertion } from "./managed-identity.ts";
import { createMsalNetwork } from "./msal-network.ts";

/** Of the request's time: an exchange that fails at once can be tried again within it, and Graph still be asked. */
const TOKEN_TIMEOUT_SHARE = 0.4;
/** Of the request's time: the managed identity answers on the same machine. */
const IDENTITY_TIMEOUT_SHARE = 0.2;

/**
 * Makes the MSAL client; once per process, it lives in module scope. Makes no request yet: MSAL knows the endpoints of
 * Microsoft's clouds, and a wrong credential shows at the first exchange.
 */
export function createConfidentialClient(settings: Settings): ConfidentialClientApplication {
  const { origin, tenant } = settings.authority;
  return new ConfidentialClientApplication({
    auth: {
      clientId: settings.clientId,
      authority: `${origin}/${tenant}`,
      // This app hands claims challenges on, so its tokens may be revoked before their end (continuous access evaluation).
      clientCapabilities: ["cp1"],
      ...credentialOf(settings),
    },
    system: { networkClient: createMsalNetwork(settings.requestTimeoutMs * TOKEN_TIMEOUT_SHARE) },
  });
}

/** How this app proves to Entra who it is. */
function credentialOf({ credential, requestTimeoutMs }: Settings): Partial<NodeAuthOptions> {
  switch (credential.kind) {
    case "managedIdentity": {
      const network = createMsalNetwork(requestTimeoutMs * IDENTITY_TIMEOUT_SHARE);
      return { clientAssertion: createFederatedAssertion(credential, network) };
    }
    case "certificate":
      return { clientCertificate: { ...credential.certificate } };
    case "secret":
      return { clientSecret: credential.secret };
  }
}
