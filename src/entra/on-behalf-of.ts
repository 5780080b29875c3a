import type { ConfidentialClientApplication } from "@azure/msal-node";
import { AppError } from "../errors.ts";
import type { Authority } from "../settings.ts";
import { exchangeFailure } from "./exchange-failure.ts";

export interface Exchange {
  /** The verified access token of the user for this API. */
  readonly assertion: string;
  /** The assertion's tenant, whose authority answers. */
  readonly tenantId: string;
  readonly scopes: readonly string[];
  /** Sent to Entra as `client-request-id`. */
  readonly correlationId: string;
}

/** Resolves to an access token for the scopes' resource, as the assertion's user. */
export type OnBehalfOf = (exchange: Exchange) => Promise<string>;

/**
 * Makes the on-behalf-of exchange (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow).
 * MSAL's cache is not used: its hits scan all users, and nothing in it is ever evicted.
 * Does not verify the assertion: see `verify.ts`. The function throws AppError.
 */
export function createOnBehalfOf(client: ConfidentialClientApplication, { origin }: Authority): OnBehalfOf {
  return async ({ assertion, tenantId, scopes, correlationId }) => {
    const request = { oboAssertion: assertion, scopes: [...scopes], authority: `${origin}/${tenantId}`, correlationId };
    try {
      const result = await client.acquireTokenOnBehalfOf({ ...request, skipCache: true });
      if (result?.accessToken) return result.accessToken;
    } catch (error) {
      throw exchangeFailure(error);
    } finally {
      client.clearCache();
    }
    throw new AppError("identity_unavailable", { hint: "Entra answered without an access token." });
  };
}
