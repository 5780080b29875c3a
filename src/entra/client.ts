import { ConfidentialClientApplication, type NodeAuthOptions } from "@azure/msal-node";
import type { Settings } from "../settings.ts";
import { createTokenEndpoint } from "./token-endpoint.ts";

/** Of the request's time: an exchange that fails at once can be tried again within it, and Graph still be asked. */
const TOKEN_TIMEOUT_SHARE = 0.4;

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
    system: { networkClient: createTokenEndpoint(settings.requestTimeoutMs * TOKEN_TIMEOUT_SHARE) },
  });
}

/** How this app proves to Entra who it is. */
function credentialOf({ clientSecret }: Settings): Pick<NodeAuthOptions, "clientSecret"> {
  return { clientSecret };
}
