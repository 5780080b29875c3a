import type { TokenCredential } from "@azure/core-auth";
import type { Client } from "@microsoft/microsoft-graph-client";
import { createAsUser } from "./as-user.ts";
import { createUserCredential } from "./downstream/azure-sdk/credential.ts";
import { createGraphClient } from "./downstream/graph/client.ts";
import { createAppToken, createConfidentialClient } from "./entra/client.ts";
import { OnBehalfOf } from "./entra/on-behalf-of.ts";
import { startSharedCache } from "./entra/shared-cache.ts";
import { TokenCache } from "./entra/token-cache.ts";
import { createVerifier } from "./entra/verify.ts";
import { withDeadline } from "./outgoing/deadline.ts";
import type { StorageSettings } from "./settings/storage.ts";
import { readSettings } from "./settings.ts";
import { startTelemetry } from "./telemetry/start.ts";
import type { SignedInUser } from "./user.ts";
import type { AsUser } from "./user-endpoint.ts";

export { requireAuthContext } from "./auth-context.ts";
export { type Api, fetchAs, relayed } from "./downstream/fetch-as.ts";
export { AppError } from "./errors.ts";
export { jsonBodyOf } from "./http/json-body.ts";
export type { Operation } from "./http/operation.ts";
export type { SignedInUser } from "./user.ts";
export type { AsUser, UserEndpoint, UserEndpointOptions, UserHandler } from "./user-endpoint.ts";

// Built once per process: bad settings stop the start, and every request shares one MSAL client and one cache.
const settings = readSettings();
startTelemetry(settings.telemetry);
const client = createConfidentialClient(settings);

/**
 * Makes a Functions handler that runs only for a signed-in user; every failure is answered as problem+json, in time. The
 * endpoint names its scopes, those of Graph by name alone (`User.Read`); nothing else is asked for. Tokens are acquired
 * when the first is used, all resources' at once. Throws an Error for scopes that Entra would refuse: the app does not start.
 */
export const asUser: AsUser = createAsUser({
  verify: createVerifier(settings),
  onBehalfOf: new OnBehalfOf({
    client,
    clientId: settings.clientId,
    authorityOrigin: settings.authority.origin,
    cache: new TokenCache({ maxBytes: settings.tokenCacheBytes }),
    concurrency: settings.exchangeConcurrency,
    shared: startSharedCache(settings.sharedCache, (resource) => createAppToken(settings, client, resource)),
  }),
  withDeadline: (work) => withDeadline(settings.requestTimeoutMs, work),
  graphOrigin: settings.graphOrigin,
});

/** Returns a client of Microsoft Graph as this user. The exchange happens at the first call. */
export function graphFor(user: SignedInUser): Client {
  return createGraphClient(user, settings.graphOrigin);
}

/**
 * Returns this user as the credential of one client of the Azure SDK, whose calls should be given `user.deadline.signal`.
 * What they throw is answered like any other failure.
 */
export function credentialFor(user: SignedInUser): TokenCredential {
  return createUserCredential(user);
}

/** Container of the files of `/api/files`; undefined without its settings, and the routes are then off. */
export const storage: StorageSettings | undefined = settings.storage;
