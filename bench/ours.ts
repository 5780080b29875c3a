import { API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";
import { type Exchange, OnBehalfOf, type OnBehalfOfOptions } from "../src/entra/on-behalf-of.ts";
import { TokenCache } from "../src/entra/token-cache.ts";
import type { VerifiedUser } from "../src/user.ts";
import { GRAPH_SCOPES, graphToken, objectIdOf, TOKENS_END_AT, unsignedAssertion } from "./tokens.ts";

/** Cache bytes for each user: room for all of them and little more, as an operator would set it. */
export const BYTES_PER_USER = 3500;

const NEVER_ABORTED = new AbortController().signal;

/** Returns the user of an assertion in fresh strings, as verification makes them. */
export function verifiedUser(user: number): VerifiedUser {
  return JSON.parse(JSON.stringify({ tenantId: TENANT_ID, objectId: objectIdOf(user), expiresAt: TOKENS_END_AT }));
}

/** Returns the input of a user's exchange, as a request gives it. */
export function exchangeOf(user: number, assertion = unsignedAssertion(user)): Exchange {
  return {
    assertion,
    user: verifiedUser(user),
    scopes: GRAPH_SCOPES,
    correlationId: "bench",
    signal: NEVER_ABORTED,
  };
}

/** Creates our exchange in front of a client, with a cache of its own. */
export function createOnBehalfOf(
  client: OnBehalfOfOptions["client"],
  maxBytes: number,
  shared?: OnBehalfOfOptions["shared"],
): OnBehalfOf {
  const cache = new TokenCache({ maxBytes });
  const identity = { clientId: API.clientId, authorityOrigin: AUTHORITY_ORIGIN };
  return new OnBehalfOf({ client, cache, ...identity, concurrency: 50, ...(shared && { shared }) });
}

/** Creates a client whose exchanges cost nothing but the token, for filling caches. */
export function createInstantClient(): OnBehalfOfOptions["client"] {
  let user = 0;
  const acquireTokenOnBehalfOf = async () => {
    user += 1;
    return { accessToken: graphToken(user), expiresOn: new Date(TOKENS_END_AT * 1000) };
  };
  return { acquireTokenOnBehalfOf, clearCache: () => {} } as unknown as OnBehalfOfOptions["client"];
}
