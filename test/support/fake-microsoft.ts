import { randomUUID } from "node:crypto";
import http from "node:http";
import { buffer } from "node:stream/consumers";
import { API, AUTHORITY_ORIGIN, FRONTEND, GRAPH_ORIGIN, TENANT_ID } from "easy-auth-local";
import { createSigningKeys, listenOnLoopback } from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import { inject } from "vitest";

/** Entra and Graph for any number of made-up users. */
export interface FakeMicrosoft {
  readonly url: string;
  /** Number of exchanges so far. */
  readonly exchanges: number;
  /** Graph tokens issued so far. */
  readonly tokens: readonly string[];
  /** Signs an access token of a new user for the API; resolves to it and to the user's object id. */
  user(): Promise<FakeUser>;
  close(): Promise<void>;
}

export interface FakeUser {
  readonly objectId: string;
  readonly name: string;
  readonly assertion: string;
}

export async function startFakeMicrosoft(): Promise<FakeMicrosoft> {
  const keys = await createSigningKeys(inject("stateFolder"));
  const tokens: string[] = [];
  const userByToken = new Map<string, string>();
  const server = http.createServer(async (request, response) => {
    const json = (body: object) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.url?.endsWith("/discovery/v2.0/keys")) return json(keys.jwks);
    if (request.url?.startsWith("/v1.0/me")) {
      const user = userByToken.get(request.headers.authorization?.slice("Bearer ".length) ?? "");
      return user === undefined ? response.writeHead(401).end() : json({ id: user, displayName: nameOf(user) });
    }
    const form = new URLSearchParams((await buffer(request)).toString());
    const accessToken = `${randomUUID()}.${randomUUID()}`;
    tokens.push(accessToken);
    userByToken.set(accessToken, String(decodeJwt(form.get("assertion") ?? "").oid));
    return json({ token_type: "Bearer", expires_in: 3600, scope: form.get("scope"), access_token: accessToken });
  });
  const hosts = [AUTHORITY_ORIGIN, GRAPH_ORIGIN].map((origin) => new URL(origin).host);
  const { url, close } = await listenOnLoopback(server, 0, hosts);
  return {
    url,
    tokens,
    get exchanges() {
      return tokens.length;
    },
    user: async () => {
      const objectId = randomUUID();
      const now = Math.floor(Date.now() / 1000);
      const assertion = await keys.sign({
        iss: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
        ...{ aud: API.clientId, azp: FRONTEND.clientId, scp: "user_impersonation", ver: "2.0", tid: TENANT_ID },
        ...{ oid: objectId, sub: objectId, name: nameOf(objectId), iat: now, nbf: now, exp: now + 3600 },
      });
      return { objectId, name: nameOf(objectId), assertion };
    },
    close: async () => {
      server.closeAllConnections();
      await close();
    },
  };
}

function nameOf(objectId: string): string {
  return `User ${objectId.slice(0, 8)}`;
}
