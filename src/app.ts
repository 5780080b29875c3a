import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import type { Client } from "@microsoft/microsoft-graph-client";
import { assertionFrom } from "./easy-auth/user-token.ts";
import { createConfidentialClient } from "./entra/client.ts";
import { createOnBehalfOf } from "./entra/on-behalf-of.ts";
import { createVerifier, type VerifiedUser } from "./entra/verify.ts";
import { createGraphClient, graphFailure } from "./graph/client.ts";
import { endpoint } from "./http/endpoint.ts";
import { readSettings } from "./settings.ts";

// Built once per process: bad settings stop the start, and every request shares one MSAL client.
const settings = readSettings();
const verify = createVerifier(settings);
const onBehalfOf = createOnBehalfOf(createConfidentialClient(settings), settings.authority);

/** The user a request came from, verified. */
export interface SignedInUser extends VerifiedUser {
  /** Names this request here, in Entra's logs and in Graph's. */
  readonly correlationId: string;
  /** An access token for the scopes' resource, on behalf of this user. */
  accessToken(scopes: readonly string[]): Promise<string>;
}

export type UserHandler = (
  user: SignedInUser,
  request: HttpRequest,
  context: InvocationContext,
) => Promise<HttpResponseInit>;

/** Makes a Functions handler that runs only for a signed-in user; every failure is answered as problem+json. */
export function asUser(handler: UserHandler): HttpHandler {
  return endpoint(async (request, context, correlationId) => {
    const assertion = assertionFrom(request.headers);
    const verified = await verify(assertion);
    const user: SignedInUser = {
      ...verified,
      correlationId,
      accessToken: (scopes) => onBehalfOf({ assertion, tenantId: verified.tenantId, scopes, correlationId }),
    };
    return handler(user, request, context).catch((error) => {
      throw graphFailure(error);
    });
  });
}

/** Microsoft Graph as this user. The exchange happens at the first call. */
export function graphFor(user: SignedInUser): Client {
  return createGraphClient({
    correlationId: user.correlationId,
    graphToken: () => user.accessToken(settings.graphScopes),
  });
}
