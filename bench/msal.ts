import { createHash } from "node:crypto";
import { ConfidentialClientApplication, type INetworkModule } from "@azure/msal-node";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";
import { GRAPH_SCOPES, objectIdOf, tokenAnswer, unsignedAssertion } from "./tokens.ts";

/** Creates MSAL's client with its own cache and, by default, its own HTTP client. */
export function createMsal(networkClient?: INetworkModule): ConfidentialClientApplication {
  return new ConfidentialClientApplication({
    auth: {
      clientId: API.clientId,
      authority: `${AUTHORITY_ORIGIN}/${TENANT_ID}`,
      clientSecret: API.clientSecrets[0],
    },
    ...(networkClient && { system: { networkClient } }),
  });
}

/** Creates a token endpoint in this process that counts its requests. */
export function createInProcessEndpoint(): INetworkModule & { posts: number } {
  return {
    posts: 0,
    sendGetRequestAsync: () => Promise.reject(new Error("MSAL knows the endpoints of Microsoft's clouds.")),
    async sendPostRequestAsync<T>(_url: string, options?: { body?: string }) {
      this.posts += 1;
      const assertion = new URLSearchParams(options?.body).get("assertion") ?? "";
      return { status: 200, headers: {}, body: tokenAnswer(assertion) as T };
    },
  };
}

/** Makes one exchange, cached or not. */
export async function acquire(
  client: ConfidentialClientApplication,
  assertion: string,
): Promise<{ fromCache: boolean }> {
  const result = await client.acquireTokenOnBehalfOf({ oboAssertion: assertion, scopes: [...GRAPH_SCOPES] });
  if (!result?.accessToken) throw new Error("MSAL answered without an access token.");
  return result;
}

type Serialized = Record<string, Record<string, object>>;

/**
 * Fills MSAL's cache with the users of these assertions: makes one real exchange, then copies its entries with another
 * user's id and assertion hash. Real exchanges would take hours, since each scans all entries before it.
 */
export async function seed(client: ConfidentialClientApplication, assertions: readonly string[]): Promise<void> {
  const first = assertions[0] ?? unsignedAssertion(0);
  client.clearCache();
  await acquire(client, first);
  const sample = client.getTokenCache().serialize();
  if (!sample.includes(hashOf(first)) || !sample.includes(objectIdOf(0))) {
    throw new Error("MSAL's cache has another form than this seeding expects.");
  }
  const all: Serialized = {};
  for (const [user, assertion] of assertions.entries()) {
    const copy = sample.replaceAll(objectIdOf(0), objectIdOf(user)).replaceAll(hashOf(first), hashOf(assertion));
    for (const [kind, entries] of Object.entries(JSON.parse(copy) as Serialized)) {
      all[kind] = Object.assign(all[kind] ?? {}, entries);
    }
  }
  client.getTokenCache().deserialize(JSON.stringify(all));
}

function hashOf(assertion: string): string {
  return createHash("sha256").update(assertion).digest("base64url");
}
