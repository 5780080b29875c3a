import { randomUUID } from "node:crypto";
import { API, TENANT_ID } from "easy-auth-local";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import clouds from "../infra/clouds.json" with { type: "json" };
import { CLOUDS } from "../packages/easy-auth-local/src/directory/clouds.ts";
import { accountOf } from "./support/account.ts";
import { type IdentityEndpoint, startIdentityEndpoint } from "./support/identity-endpoint.ts";
import { startStack, type TestStack } from "./support/stack.ts";

const IDENTITY = "22223333-cccc-4444-dddd-5555eeee6666";
const PRINCIPAL = "33334444-dddd-5555-eeee-6666ffff7777";

test("the local stack emulates the clouds of infra/clouds.json", () => {
  const addresses = Object.values(clouds).map(({ login, v1Issuer, graph }) => ({
    authorityOrigin: login,
    v1IssuerOrigin: v1Issuer,
    graphOrigin: graph,
  }));
  expect(CLOUDS).toEqual(addresses);
});

describe.each([
  ["", "login.microsoftonline.com", "graph.microsoft.com", "api://AzureADTokenExchange"],
  ["usgov", "login.microsoftonline.us", "graph.microsoft.us", "api://AzureADTokenExchangeUSGov"],
  ["china", "login.partner.microsoftonline.cn", "microsoftgraph.chinacloudapi.cn", "api://AzureADTokenExchangeChina"],
])("with CLOUD=%s and a managed identity", (cloud, authorityHost, graphHost, audience) => {
  const issuer = `https://${authorityHost}/${TENANT_ID}/v2.0`;
  let identity: IdentityEndpoint;
  let stack: TestStack;
  beforeAll(async () => {
    identity = await startIdentityEndpoint(IDENTITY);
    const federatedCredentials = [{ issuer, subject: PRINCIPAL, audience }];
    stack = await startStack({
      registrations: { api: { federatedCredentials } },
      settings: {
        CLOUD: cloud,
        WEBSITE_AUTH_OPENID_ISSUER: issuer,
        OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: IDENTITY,
        MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: "",
      },
    });
    identity.token = () => {
      const now = Math.floor(Date.now() / 1000);
      const aud = identity.asked.at(-1)?.query.get("resource") ?? "";
      return stack.issuer.keys.sign({ iss: issuer, sub: PRINCIPAL, aud, nbf: now, exp: now + identity.lifetime });
    };
  });
  afterAll(async () => {
    await stack.close();
    await identity.close();
  });

  /** Signs a user's token, as an authority of this cloud issues it. */
  function apiToken(host: string, version: 1 | 2, key = "works"): Promise<string> {
    const audienceOfToken = { ...API, requestedAccessTokenVersion: version };
    const request = {
      account: accountOf(stack.directory, key),
      audience: audienceOfToken,
      scope: "user_impersonation",
    };
    return stack.issuer.at(`https://${host}`, TENANT_ID).apiToken(request, { uti: randomUUID() });
  }

  const getProfile = (token: string) =>
    fetch(`${stack.functions.url}/api/profile`, { headers: { authorization: `Bearer ${token}` } });

  test.each([1, 2] as const)(
    "a user's token of version %i is exchanged at the cloud's authority, for the cloud's Graph",
    async (version) => {
      const response = await getProfile(await apiToken(authorityHost, version));
      expect(await response.json()).toMatchObject({ displayName: "Adele Vance" });
      const { url, body } = stack.tokenRequests.at(-1) ?? {};
      const form = body as Record<string, string>;
      expect(`${url?.host}${url?.pathname}`).toBe(`${authorityHost}/${TENANT_ID}/oauth2/v2.0/token`);
      expect(form.scope).toContain(`https://${graphHost}/User.Read`);
      expect(decodeJwt(form.client_assertion ?? "").aud).toBe(audience);
      const graph = stack.graphRequests.at(-1);
      expect(graph?.url.host).toBe(graphHost);
      const graphToken = graph?.headers.authorization?.replace("Bearer ", "") ?? "";
      expect(decodeJwt(graphToken).aud).toBe(`https://${graphHost}`);
    },
  );

  test("the identity is asked for the cloud's audience, once", async () => {
    for (let users = 0; users < 2; users += 1) await getProfile(await apiToken(authorityHost, 2));
    expect(identity.asked.map(({ query }) => query.get("resource"))).toEqual([audience]);
  });

  test("a token of another cloud is refused, and not exchanged", async () => {
    const asked = stack.tokenRequests.length;
    const otherHost = cloud === "usgov" ? "login.partner.microsoftonline.cn" : "login.microsoftonline.us";
    const response = await getProfile(await apiToken(otherHost, 2));
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "token_rejected" });
    expect(stack.tokenRequests.length).toBe(asked);
  });

  test("consent is asked for at the cloud's authority", async () => {
    const response = await getProfile(await apiToken(authorityHost, 2, "no-consent"));
    const { adminConsentUrl } = (await response.json()) as { adminConsentUrl: string };
    expect(adminConsentUrl).toBe(`https://${authorityHost}/${TENANT_ID}/adminconsent?client_id=${API.clientId}`);
  });
});
