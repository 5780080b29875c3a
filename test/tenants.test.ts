import { randomUUID } from "node:crypto";
import { API, AUTHORITY_ORIGIN, OTHER_TENANT_ID, TENANT_ID } from "easy-auth-local";
import { createTokenIssuer } from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "./support/account.ts";
import { startStack, type TestStack } from "./support/stack.ts";
import { strangersKeys } from "./support/strangers.ts";

const STRANGER_TENANT_ID = "ccccdddd-2222-eeee-3333-ffff4444aaaa";
const REGISTRATIONS = { api: { signInAudience: "AzureADMultipleOrgs" } } as const;

let stack: TestStack;

function startApi(tenant: "common" | "organizations", allowed: readonly string[]): Promise<TestStack> {
  return startStack({
    registrations: REGISTRATIONS,
    settings: {
      WEBSITE_AUTH_OPENID_ISSUER: `${AUTHORITY_ORIGIN}/${tenant}/v2.0`,
      WEBSITE_AUTH_AAD_ALLOWED_TENANTS: allowed.join(","),
    },
  });
}

/** Signs a token that a tenant issues to a user who signed in to it. */
function apiToken(key: string, tenantId: string, version: 1 | 2 = 2, issuer = stack.issuer): Promise<string> {
  const audience = { ...API, requestedAccessTokenVersion: version };
  const request = { account: accountOf(stack.directory, key), audience, scope: "user_impersonation" };
  return issuer.at(AUTHORITY_ORIGIN, tenantId).apiToken(request, { uti: randomUUID() });
}

const getProfile = (token: string) =>
  fetch(`${stack.functions.url}/api/profile`, { headers: { authorization: `Bearer ${token}` } });

/** Returns the tenant of the last exchange. */
const lastAuthority = () => stack.tokenRequests.at(-1)?.url.pathname.split("/")[1];

async function expect403(token: string): Promise<void> {
  const asked = stack.tokenRequests.length;
  const response = await getProfile(token);
  expect(response.status).toBe(403);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(response.headers.has("www-authenticate")).toBe(false);
  expect(await response.json()).toMatchObject({ status: 403, code: "tenant_not_allowed" });
  expect(stack.tokenRequests.length, "Entra is not asked").toBe(asked);
}

describe.each(["common", "organizations"] as const)("an API whose issuer is for several tenants (%s)", (tenant) => {
  beforeAll(async () => {
    stack = await startApi(tenant, [TENANT_ID, OTHER_TENANT_ID]);
  });
  afterAll(() => stack.close());

  test.each([
    ["own tenant, in version 1", "works", TENANT_ID, 1],
    ["own tenant, in version 2", "works", TENANT_ID, 2],
    ["another tenant, in version 1", "other-tenant", OTHER_TENANT_ID, 1],
    ["another tenant, in version 2", "other-tenant", OTHER_TENANT_ID, 2],
    ["the tenant that a guest signed in to", "guest", TENANT_ID, 2],
  ] as const)("exchanges a token of %s, at that tenant", async (_, key, tenantId, version) => {
    const token = await apiToken(key, tenantId, version);
    expect(decodeJwt(token).tid).toBe(tenantId);
    const response = await getProfile(token);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ id: accountOf(stack.directory, key).objectId });
    expect(lastAuthority()).toBe(tenantId);
  });

  test.each([1, 2] as const)("answers 403 to a tenant that is not listed, in version %i", async (version) => {
    await expect403(await apiToken("works", STRANGER_TENANT_ID, version));
  });

  test("answers 401 to a token that only claims a listed tenant, or that Entra did not sign", async () => {
    const request = { account: accountOf(stack.directory, "works"), audience: API, scope: "user_impersonation" };
    const disguised = await stack.issuer.at(AUTHORITY_ORIGIN, STRANGER_TENANT_ID).apiToken(request, { tid: TENANT_ID });
    const forger = createTokenIssuer(await strangersKeys());
    for (const token of [
      disguised,
      await apiToken("works", TENANT_ID, 2, forger),
      await apiToken("works", STRANGER_TENANT_ID, 2, forger),
    ]) {
      const response = await getProfile(token);
      expect([response.status, await response.json()]).toEqual([
        401,
        expect.objectContaining({ code: "token_rejected" }),
      ]);
    }
  });

  test("never mixes up users of two tenants who call at once", async () => {
    const users = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "works" : "other-tenant"));
    const ids = await Promise.all(
      users.map(async (key) => {
        const token = await apiToken(key, key === "works" ? TENANT_ID : OTHER_TENANT_ID);
        return ((await (await getProfile(token)).json()) as { id: string }).id;
      }),
    );
    expect(ids).toEqual(users.map((key) => accountOf(stack.directory, key).objectId));
  });

  test("sends an administrator of the user's own tenant to consent there", async () => {
    const response = await getProfile(await apiToken("no-consent", OTHER_TENANT_ID));
    expect(await response.json()).toMatchObject({
      code: "consent_required",
      adminConsentUrl: `${AUTHORITY_ORIGIN}/${OTHER_TENANT_ID}/adminconsent?client_id=${API.clientId}`,
    });
  });
});

describe("an API for several tenants that lists one", () => {
  beforeAll(async () => {
    stack = await startApi("organizations", [TENANT_ID]);
  });
  afterAll(() => stack.close());

  test("serves that tenant's guests, whose accounts are in another tenant", async () => {
    const token = await apiToken("guest", TENANT_ID);
    expect(decodeJwt(token).idp).toContain(OTHER_TENANT_ID);
    expect((await getProfile(token)).status).toBe(200);
  });

  test("answers 403 to the same guest's token of their home tenant", async () => {
    await expect403(await apiToken("guest", OTHER_TENANT_ID));
  });
});
