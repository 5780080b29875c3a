import type { GetTokenOptions, TokenCredential } from "@azure/core-auth";
import { AppError } from "../../errors.ts";
import { untilAborted } from "../../outgoing/deadline.ts";
import { resourceOf } from "../../scopes.ts";
import type { SignedInUser } from "../../user.ts";
import { isClaimsRequest } from "../claims-challenge.ts";

/**
 * Time for which a client of the Azure SDK may keep a token; the token cache (`token-cache.ts`) hands out none that ends
 * sooner.
 */
const USABLE_MS = 300_000;

/**
 * Time for which a client over HTTP, known by the options it passes, may keep a token: none, so that it asks before each
 * request. With a token in hand it would hide a failed exchange and repeat it every 3 s:
 * https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/core/core-rest-pipeline/src/util/tokenCycler.ts
 */
const ASKS_AGAIN_MS = 0;

/**
 * Makes a credential of the user for one client of the Azure SDK. The client's scopes name the resource; the token has the
 * scopes that the endpoint names, so `.default` gives no more. Answers a service's claims challenge, or Storage's plain 401,
 * with a new exchange. Gives tokens of the first resource only, so that no service can ask for another one's.
 *
 * `getToken` throws AppError as the exchange does, `downstream_forbidden` when the service belongs to another tenant, and
 * AbortError when `abortSignal` ends the wait.
 */
export function createUserCredential(user: SignedInUser): TokenCredential {
  let resource: string | undefined;
  let isShownUnasked = false;
  return {
    getToken: async (scopes, options?: GetTokenOptions) => {
      const { claims: challenge, tenantId, abortSignal } = options ?? {};
      const asked = new Set([scopes].flat().map(resourceOf));
      resource ??= [...asked][0];
      if (resource === undefined || asked.size > 1 || !asked.has(resource)) {
        throw new AppError("internal_error", {
          hint: "A client of the Azure SDK asked for a token of another resource.",
        });
      }
      if (tenantId !== undefined && tenantId.toLowerCase() !== user.tenantId) {
        throw new AppError("downstream_forbidden", { hint: `${resource} is in another tenant than the user.` });
      }
      // Storage's client passes a tenant only after a 401, Key Vault's always: a tenant after a call without one is a refusal.
      if (challenge !== undefined || (isShownUnasked && tenantId !== undefined)) user.forgetAccessToken(resource);
      isShownUnasked = tenantId === undefined;
      const exchange = user.accessToken(resource, isClaimsRequest(challenge ?? "") ? challenge : undefined);
      const token = await (abortSignal ? untilAborted(exchange, abortSignal, endOfWait) : exchange);
      return { token, expiresOnTimestamp: Date.now() + (options ? ASKS_AGAIN_MS : USABLE_MS) };
    },
  };
}

const endOfWait = () => new DOMException("The wait for a token was ended.", "AbortError");
