import http from "node:http";
import { buffer } from "node:stream/consumers";
import { AUTHORITY_ORIGIN, GRAPH_ORIGIN, TENANT_ID } from "easy-auth-local";
import { createSigningKeys, listenOnLoopback, type SigningKeys } from "easy-auth-local/parts";
import type { JWTPayload } from "jose";
import { PROFILE, PROFILE_HEADERS } from "./profile.ts";
import { assertionClaims, tokenAnswer } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

/** Address of the fakes, and really signed assertions of the users 0, 1, 2, … */
export interface FakeMicrosoft {
  readonly url: string;
  readonly assertions: readonly string[];
}

const TENANT = `${AUTHORITY_ORIGIN}/${TENANT_ID}`;
/** OpenID metadata, which ASP.NET reads before it accepts a token. */
const METADATA = {
  issuer: `${TENANT}/v2.0`,
  authorization_endpoint: `${TENANT}/oauth2/v2.0/authorize`,
  token_endpoint: `${TENANT}/oauth2/v2.0/token`,
  jwks_uri: `${TENANT}/discovery/v2.0/keys`,
};

/** Starts Entra and Graph in one process, as lean as they can be; every peer is measured against them. */
async function start(users: number): Promise<FakeMicrosoft> {
  const keys = await createSigningKeys();
  let posts = 0;

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const [path = ""] = request.url?.split("?", 1) ?? [];
    if (path === "/v1.0/me" && request.headers.authorization?.startsWith("Bearer ey")) {
      response.writeHead(200, PROFILE_HEADERS).end(PROFILE);
    } else if (path.endsWith("/oauth2/v2.0/token") && request.method === "POST") {
      const form = new URLSearchParams((await buffer(request)).toString());
      if (form.get("grant_type") === "client_credentials") return sendJson(response, await appTokenAnswer(keys));
      posts += 1;
      sendJson(response, tokenAnswer(form.get("assertion") ?? ""));
    } else if (path.endsWith("/discovery/v2.0/keys")) {
      sendJson(response, keys.jwks);
    } else if (path.endsWith("/.well-known/openid-configuration")) {
      sendJson(response, METADATA);
    } else if (path.endsWith("/discovery/instance")) {
      sendJson(response, { tenant_discovery_endpoint: METADATA.token_endpoint, metadata: [] });
    } else if (path === "/posts") {
      sendJson(response, posts);
    } else {
      response.writeHead(404).end();
    }
  }

  const server = http.createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  // On a busy machine, an idle connection may be closed at the very moment it is used again.
  server.keepAliveTimeout = 0;
  const served = [AUTHORITY_ORIGIN, GRAPH_ORIGIN].map((origin) => new URL(origin).host);
  const { url } = await listenOnLoopback(server, 0, served);
  const assertions = await Promise.all(
    Array.from({ length: users }, (_, user) => keys.sign({ ...assertionClaims(user) })),
  );
  return { url, assertions };
}

/** Returns the app's own token for Storage, with no more claims than Azurite checks. */
async function appTokenAnswer(keys: SigningKeys): Promise<object> {
  const { iat, nbf, exp, tid } = assertionClaims(0);
  const claims = { iss: `https://sts.windows.net/${tid}/`, aud: "https://storage.azure.com", iat, nbf, exp };
  return { token_type: "Bearer", expires_in: 3600, access_token: await keys.sign(claims as JWTPayload) };
}

function sendJson(response: http.ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
}

answerMessages(({ users }: { readonly users: number }) => start(users));
