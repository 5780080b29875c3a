import { randomUUID } from "node:crypto";
import http from "node:http";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";
import { listenOnLoopback, routeMicrosoftOrigins } from "easy-auth-local/parts";
import { onTestFinished } from "vitest";
import { createConfidentialClient } from "../../src/entra/client.ts";
import { type Exchange, OnBehalfOf, type OnBehalfOfOptions } from "../../src/entra/on-behalf-of.ts";
import { TokenCache } from "../../src/entra/token-cache.ts";
import { type Environment, readSettings } from "../../src/settings.ts";

export const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";

export const ENVIRONMENT: Environment = {
  WEBSITE_AUTH_CLIENT_ID: API.clientId,
  WEBSITE_AUTH_OPENID_ISSUER: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
  MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: API.clientSecrets[0],
};

/** Answers each exchange at the fake token endpoint, given its assertion. */
export type TokenAnswerer = (
  assertion: string,
  response: http.ServerResponse,
  request: http.IncomingMessage,
  form: URLSearchParams,
) => void;

export interface FakeTokenEndpoint {
  readonly url: string;
  /** Assertions in the order of the requests. */
  readonly asked: string[];
}

/** Starts the endpoint; closed when the test ends. */
export async function startTokenEndpoint(answer: TokenAnswerer): Promise<FakeTokenEndpoint> {
  const asked: string[] = [];
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const assertion = form.get("assertion") ?? "";
    asked.push(assertion);
    answer(assertion, response, request, form);
  });
  const listening = await listenOnLoopback(server, 0, [new URL(AUTHORITY_ORIGIN).host]);
  onTestFinished(() => {
    server.closeAllConnections();
    return listening.close();
  });
  return { url: listening.url, asked };
}

/** Sends a successful answer with this token. */
export function succeed(response: http.ServerResponse, accessToken: string, expiresIn = 3600, more = {}): void {
  const body = {
    token_type: "Bearer",
    scope: GRAPH_DEFAULT,
    expires_in: expiresIn,
    access_token: accessToken,
    ...more,
  };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** Sends an error in Entra's form. */
export function refuse(
  response: http.ServerResponse,
  status: number,
  body: object,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

export type OnBehalfOfChanges = Partial<OnBehalfOfOptions> & {
  readonly secret?: string;
  /** Settings that replace those of the tests; an empty one is unset. */
  readonly environment?: Environment;
  readonly requestTimeoutMs?: number;
};

/** Composes the exchange as the app does, with real MSAL, and routes its requests for Entra to `entraUrl`. */
export function onBehalfOfAt(entraUrl: string, changes: OnBehalfOfChanges = {}): OnBehalfOf {
  const { secret = API.clientSecrets[0], requestTimeoutMs = 10_000, environment = {}, ...options } = changes;
  onTestFinished(routeMicrosoftOrigins({ entra: entraUrl, graph: "http://localhost:9" }));
  const settings = readSettings({
    ...ENVIRONMENT,
    MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: secret,
    REQUEST_TIMEOUT_MS: String(requestTimeoutMs),
    ...environment,
  });
  return new OnBehalfOf({
    client: createConfidentialClient(settings),
    clientId: settings.clientId,
    authorityOrigin: settings.authority.origin,
    cache: new TokenCache({ maxBytes: settings.tokenCacheBytes }),
    concurrency: settings.exchangeConcurrency,
    ...options,
  });
}

/** Returns one caller's exchange; the assertion is any text, since the exchange does not verify it. */
export function exchangeOf(assertion: string, changes: Partial<Exchange> = {}): Exchange {
  return {
    assertion,
    user: { tenantId: TENANT_ID, objectId: randomUUID(), expiresAt: Date.now() / 1000 + 3600 },
    scopes: [GRAPH_DEFAULT],
    correlationId: randomUUID(),
    signal: new AbortController().signal,
    ...changes,
  };
}
