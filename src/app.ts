import type { TokenCredential } from "@azure/core-auth";
import type { HttpHandler, HttpRequest, HttpResponse, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { ContainerClient } from "@azure/storage-blob";
import type { Client } from "@microsoft/microsoft-graph-client";
import { createUserCredential } from "./downstream/azure-sdk/credential.ts";
import { sdkFailure } from "./downstream/azure-sdk/failure.ts";
import { createGraphClient, graphFailure } from "./downstream/graph/client.ts";
import { assertionFrom } from "./easy-auth/assertion.ts";
import { createConfidentialClient } from "./entra/client.ts";
import { OnBehalfOf } from "./entra/on-behalf-of.ts";
import { type ScopesByResource, scopesByResource } from "./entra/scopes.ts";
import { TokenCache } from "./entra/token-cache.ts";
import { createVerifier, type VerifiedUser } from "./entra/verify.ts";
import { AppError, type Remedy } from "./errors.ts";
import { openContainer } from "./files/container.ts";
import { callerOf, streamAnswers, UNHEARD } from "./http/caller.ts";
import { endpoint } from "./http/endpoint.ts";
import { paced } from "./http/paced-body.ts";
import { type Deadline, withDeadline } from "./outgoing/deadline.ts";
import { readSettings } from "./settings.ts";
import { startTelemetry } from "./telemetry/start.ts";
import { operation } from "./telemetry/telemetry.ts";

export { type Api, fetchAs } from "./downstream/fetch-as.ts";

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

/**
 * Lets the answers of all functions leave while they are made, for those whose `body` is a web stream. To be called while
 * the app loads, by each endpoint that needs it: docs/add-an-endpoint.md.
 */
export function turnOnStreaming(): void {
  // Later than every answer of an endpoint below.
  streamAnswers(2 * settings.requestTimeoutMs);
}

/** Whether the settings for files are there; without them their routes are off. */
export const hasFiles = settings.storage !== undefined;

/** The user a request came from, verified. */
export interface SignedInUser extends VerifiedUser {
  /** Names this request here, in Entra's logs and in the logs of the services behind this API. */
  readonly correlationId: string;
  /** When the request has to be over. */
  readonly deadline: Deadline;
  /** Where this user, or their administrator, can lift a refusal. */
  readonly remedy: Remedy;
  /**
   * An access token on behalf of this user for a resource that the endpoint names scopes of, such as
   * `https://storage.azure.com`; `claims` answers that resource's claims challenge.
   */
  accessToken(resource: string, claims?: string): Promise<string>;
  /** Drops that token from the cache: its resource no longer takes it. */
  forgetAccessToken(resource: string): void;
}

export type UserHandler = (
  user: SignedInUser,
  request: HttpRequest,
  context: InvocationContext,
) => Promise<HttpResponseInit | HttpResponse>;

/** A Functions handler that tells which scopes it asks for on behalf of its users. */
export type UserEndpoint = HttpHandler & { readonly scopes: readonly string[] };

/**
 * Makes a Functions handler that runs only for a signed-in user; every failure is answered as problem+json, in time. The
 * endpoint names its scopes, those of Graph by name alone (`User.Read`); nothing else is asked for. Tokens are acquired
 * when the first is used, all resources' at once. Throws an Error for scopes that Entra would refuse: the app does not start.
 */
export function asUser(scopes: readonly string[], handler: UserHandler): UserEndpoint {
  const needed = scopesByResource(scopes, settings.graphOrigin);
  const idleMs = settings.requestTimeoutMs;
  const handle = endpoint((request, context, correlationId) =>
    withDeadline(settings.requestTimeoutMs, async (deadline, controller) => {
      const caller = callerOf(context.invocationId);
      if (caller === "gone") return UNHEARD;
      const user = await signedInUser(assertionFrom((caller ?? request).headers), needed, correlationId, deadline);
      const answer = await handler(user, request, context).catch((error) => {
        throw sdkFailure(graphFailure(error), user, needed.keys());
      });
      return paced(answer, { connection: caller?.connection, userId: user.objectId, idleMs, controller });
    }),
  );
  return Object.assign(handle, { scopes: [...needed.values()].flat() });
}

/** A cached token vouches for its assertion: it was verified before the token was asked for, and is not past its end. */
async function signedInUser(
  assertion: string,
  needed: ScopesByResource,
  correlationId: string,
  deadline: Deadline,
): Promise<SignedInUser> {
  const [first = []] = needed.values();
  let cached = onBehalfOf.find(assertion, first);
  const user = cached?.user ?? (await operation({ name: "verify" }, () => verify(assertion)));
  const { signal } = deadline;
  const exchange = async (scopes: readonly string[], claims?: string) =>
    (await onBehalfOf.exchange({ assertion, user, scopes, correlationId, signal, claims })).accessToken;
  let isFirstUse = true;
  return {
    tenantId: user.tenantId,
    objectId: user.objectId,
    expiresAt: user.expiresAt,
    correlationId,
    deadline,
    remedy: onBehalfOf.remedyFor(user),
    accessToken: async (resource, claims) => {
      const scopes = scopesOf(resource, needed);
      if (cached && scopes === first && claims === undefined && needed.size === 1) return cached.accessToken;
      // Whoever uses another of them waits for the same exchange, and is told of its failure.
      if (isFirstUse) for (const others of needed.values()) if (others !== scopes) exchange(others).catch(() => {});
      isFirstUse = false;
      return exchange(scopes, claims);
    },
    forgetAccessToken: (resource) => {
      cached = undefined;
      onBehalfOf.forget(assertion, scopesOf(resource, needed));
    },
  };
}

function scopesOf(resource: string, needed: ScopesByResource): readonly string[] {
  const scopes = needed.get(resource);
  if (scopes) return scopes;
  throw new AppError("internal_error", { hint: `The endpoint names no scope of ${resource}.` });
}

/** Microsoft Graph as this user. The exchange happens at the first call. */
export function graphFor(user: SignedInUser): Client {
  return createGraphClient({
    graphOrigin: settings.graphOrigin,
    correlationId: user.correlationId,
    deadline: user.deadline,
    remedy: user.remedy,
    graphToken: (claims) => user.accessToken(settings.graphOrigin, claims),
    forgetGraphToken: () => user.forgetAccessToken(settings.graphOrigin),
  });
}

/**
 * This user as the credential of one client of the Azure SDK, whose calls should be given `user.deadline.signal`. What
 * they throw is answered like any other failure.
 */
export function credentialFor(user: SignedInUser): TokenCredential {
  return createUserCredential(user);
}

/** The container of the settings as this user; throws without them. */
export function filesFor(user: SignedInUser): Promise<ContainerClient> {
  if (settings.storage) return openContainer(settings.storage, credentialFor(user));
  throw new AppError("internal_error", { hint: "The settings for files are missing." });
}
