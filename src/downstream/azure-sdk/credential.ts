import type { GetTokenOptions, TokenCredential } from "@azure/core-auth";
import { AppError } from "../../errors.ts";
import { untilAborted } from "../../outgoing/deadline.ts";
import { resourceOf } from "../../scopes.ts";
import type { SignedInUser } from "../../user.ts";

/** The token cache hands out nothing that ends sooner (`token-cache.ts`), so a client of the Azure SDK may keep a token as long. */
const USABLE_MS = 300_000;

/**
 * A pipeline over HTTP, which asks with options, is told that its token ends at once, and so asks before each request. Until
 * the end of the token it has, it would hide a failed exchange and repeat it every 3 s:
 * https://github.com/Azure/azure-sdk-for-js/blob/main/sdk/core/core-rest-pipeline/src/util/tokenCycler.ts
 */
const ASKS_AGAIN_MS = 0;

/**
 * The user as a credential of the Azure SDK, for one client. What the client asks for tells the resource; the scopes are
 * those that the endpoint names, so `.default` gives no more than they do. Answers a service's claims challenge, or Storage's
 * plain 401, with a new exchange. Keeps to the resource first asked for: no token for another one that a service names.
 *
 * `getToken` throws AppError as the exchange does, `downstream_forbidden` when the service belongs to another tenant, and
 * AbortError when `abortSignal` ends the wait.
 */
export function createUserCredential(user: SignedInUser): TokenCredential {
  let resource: string | undefined;
  let isShownUnasked = false;
  return {
    getToken: async (scopes, options?: GetTokenOptions) => {
      const { claims, tenantId, abortSignal } = options ?? {};
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
      // Shown a token without having named its tenant, Storage refuses it by doing so. Key Vault names it before each one.
      if (claims !== undefined || (isShownUnasked && tenantId !== undefined)) user.forgetAccessToken(resource);
      isShownUnasked = tenantId === undefined;
      const exchange = user.accessToken(resource, claims);
      const token = await (abortSignal ? untilAborted(exchange, abortSignal, endOfWait) : exchange);
      return { token, expiresOnTimestamp: Date.now() + (options ? ASKS_AGAIN_MS : USABLE_MS) };
    },
  };
}

function endOfWait(): Error {
  return new DOMException("The wait for a token was ended.", "AbortError");
}
