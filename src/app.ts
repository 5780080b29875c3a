import type { HttpHandler, HttpRequest, HttpResponse, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Client } from "@microsoft/microsoft-graph-client";
import { assertionFrom } from "./easy-auth/user-token.ts";
import { createConfidentialClient } from "./entra/client.ts";
import { OnBehalfOf } from "./entra/on-behalf-of.ts";
import { TokenCache } from "./entra/token-cache.ts";
import { createVerifier, type VerifiedUser } from "./entra/verify.ts";
import type { Remedy } from "./errors.ts";
import { createGraphClient, graphFailure } from "./graph/client.ts";
import { type Deadline, withDeadline } from "./http/deadline.ts";
import { endpoint } from "./http/endpoint.ts";
import { readSettings } from "./settings.ts";
import { startTelemetry } from "./telemetry/start.ts";
import { operation } from "./telemetry/telemetry.ts";

// Built once per process: bad settings stop the start, and every request shares one MSAL client and one cache.
const settings = readSettings();
startTelemetry(settings.telemetry);
const verify = createVerifier(settings);
const onBehalfOf = new OnBehalfOf({
  client: createConfidentialClient(settings),
  clientId: settings.clientId,
  authorityOrigin: settings.authority.origin,
  cache: new TokenCache({ maxBytes: settings.tokenCacheBytes }),
  concurrency: settings.exchangeConcurrency,
});

/** The user a request came from, verified. */
export interface SignedInUser extends VerifiedUser {
  /** Names this request here, in Entra's logs and in Graph's. */
  readonly correlationId: string;
  /** When the request has to be over. */
  readonly deadline: Deadline;
  /** Where this user, or their administrator, can lift a refusal. */
  readonly remedy: Remedy;
  /** An access token for the scopes' resource, on behalf of this user; `claims` answers that resource's claims challenge. */
  accessToken(scopes: readonly string[], claims?: string): Promise<string>;
  /** Drops that token from the cache: its resource no longer takes it. */
  forgetAccessToken(scopes: readonly string[]): void;
}

export type UserHandler = (
  user: SignedInUser,
  request: HttpRequest,
  context: InvocationContext,
) => Promise<HttpResponseInit | HttpResponse>;

/** Makes a Functions handler that runs only for a signed-in user; every failure is answered as problem+json, in time. */
export function asUser(handler: UserHandler): HttpHandler {
  return endpoint((request, context, correlationId) =>
    withDeadline(settings.requestTimeoutMs, async (deadline) => {
      const user = await signedInUser(assertionFrom(request.headers), correlationId, deadline);
      return handler(user, request, context).catch((error) => {
        throw graphFailure(error);
      });
    }),
  );
}

/** A cached token vouches for its assertion: it was verified before the token was asked for, and is not past its end. */
async function signedInUser(assertion: string, correlationId: string, deadline: Deadline): Promise<SignedInUser> {
  let cached = onBehalfOf.find(assertion, settings.graphScopes);
  const user = cached?.user ?? (await operation({ name: "verify" }, () => verify(assertion)));
  const { signal } = deadline;
  return {
    tenantId: user.tenantId,
    objectId: user.objectId,
    expiresAt: user.expiresAt,
    correlationId,
    deadline,
    remedy: onBehalfOf.remedyFor(user),
    accessToken: async (scopes, claims) => {
      if (cached && scopes === settings.graphScopes && claims === undefined) return cached.accessToken;
      return onBehalfOf.exchange({ assertion, user, scopes, correlationId, signal, claims });
    },
    forgetAccessToken: (scopes) => {
      cached = undefined;
      onBehalfOf.forget(assertion, scopes);
    },
  };
}

/** Microsoft Graph as this user. The exchange happens at the first call. */
export function graphFor(user: SignedInUser): Client {
  return createGraphClient({
    graphOrigin: settings.graphOrigin,
    correlationId: user.correlationId,
    deadline: user.deadline,
    remedy: user.remedy,
    graphToken: (claims) => user.accessToken(settings.graphScopes, claims),
    forgetGraphToken: () => user.forgetAccessToken(settings.graphScopes),
  });
}
