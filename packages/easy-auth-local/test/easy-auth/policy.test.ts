import { describe, expect, test } from "vitest";
import { API, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import type { GateOptions } from "../../src/easy-auth/gate.ts";
import {
  apiSettings,
  frontendSettings,
  openGate,
  signedIn,
  stopClock,
  surroundings,
  V1_ISSUER,
  V2_ISSUER,
} from "./fixture.ts";

const around = surroundings();
const OTHER = "99999999-0000-0000-0000-000000000000";
const IDENTIFIER_URI = API.identifierUris[0] ?? "";
const V1 = { iss: V1_ISSUER, ver: "1.0", azp: undefined, appid: FRONTEND.clientId };

async function statusFor(url: string, token: string): Promise<number> {
  return (await fetch(`${url}/x`, { headers: { authorization: `Bearer ${token}` } })).status;
}

describe("allowedAudiences", () => {
  test.each([
    [[], API.clientId, 200],
    [[], IDENTIFIER_URI, 401],
    [[IDENTIFIER_URI], IDENTIFIER_URI, 200],
    [["api://another"], API.clientId, 200],
    [[], "https://graph.microsoft.com", 401],
  ])("%j lets a token for %s get %i", async (allowedAudiences, aud, status) => {
    const url = await openGate(around, apiSettings({ allowedAudiences }));
    expect(await statusFor(url, await around.apiToken({ aud }))).toBe(status);
  });
});

describe("the issuer", () => {
  const portal = `https://sts.windows.net/${TENANT_ID}/v2.0`;
  test.each([
    ["strict", V2_ISSUER, 200, 401],
    ["strict", V1_ISSUER, 401, 200],
    ["strict", portal, 200, 401],
    ["sameTenantAnyVersion", V2_ISSUER, 200, 200],
    ["sameTenantAnyVersion", V1_ISSUER, 200, 200],
  ] as const)("%s as %s gives %i to version 2 and %i to version 1", async (issuerMatch, issuer, v2, v1) => {
    const url = await openGate(around, apiSettings({}, issuer), { switches: { issuerMatch } });
    expect(await statusFor(url, await around.apiToken())).toBe(v2);
    expect(await statusFor(url, await around.apiToken(V1))).toBe(v1);
    expect(await statusFor(url, await around.apiToken({ iss: V2_ISSUER.replace(TENANT_ID, OTHER) }))).toBe(401);
  });

  test.each(["common", "organizations"])("of several tenants, %s, is not compared", async (tenant) => {
    const url = await openGate(around, apiSettings({}, V2_ISSUER.replace(TENANT_ID, tenant)));
    expect(await statusFor(url, await around.apiToken({ iss: V2_ISSUER.replace(TENANT_ID, OTHER), tid: OTHER }))).toBe(
      200,
    );
  });
});

describe("a token's time", () => {
  test.each([
    [-299, 200],
    [-301, 401],
  ])("has 5 minutes of tolerance: past its end by %i s gives %i", async (seconds, status) => {
    stopClock();
    const url = await openGate(around, apiSettings());
    const exp = Math.floor(Date.now() / 1000) + seconds;
    expect(await statusFor(url, await around.apiToken({ exp, nbf: exp - 3600, iat: exp - 3600 }))).toBe(status);
  });

  test("must be present", async () => {
    const url = await openGate(around, apiSettings());
    expect(await statusFor(url, await around.apiToken({ exp: undefined }))).toBe(401);
  });
});

describe("the authorization policy", () => {
  const oid = () => around.account("works").objectId;
  const apps = (allowedApplications: string[]) => ({ defaultAuthorizationPolicy: { allowedApplications } });

  test.each([
    ["allow", 200],
    ["deny", 403],
  ] as const)(
    "with an empty list of applications: %s gives %i, by the switch",
    async (emptyAllowedApplications, status) => {
      for (const validation of [apps([]), {}]) {
        const url = await openGate(around, apiSettings(validation), { switches: { emptyAllowedApplications } });
        expect(await statusFor(url, await around.apiToken())).toBe(status);
      }
    },
  );

  test("finds the application in version 1 tokens too", async () => {
    const switches = { issuerMatch: "sameTenantAnyVersion" } as const;
    const url = await openGate(around, apiSettings(apps([FRONTEND.clientId])), { switches });
    expect(await statusFor(url, await around.apiToken(V1))).toBe(200);
    expect(await statusFor(url, await around.apiToken({ ...V1, appid: OTHER }))).toBe(403);
  });

  test("refuses an ID token, which names no application", async () => {
    const url = await openGate(around, apiSettings(apps([FRONTEND.clientId])));
    expect(await statusFor(url, await around.issuer.idToken(around.account("works"), API))).toBe(403);
  });

  test.each([
    ["the user", () => ({ identities: [oid()] }), 200],
    ["another user", () => ({ identities: [OTHER] }), 403],
    ["a group of the user", () => ({ identities: [OTHER], groups: ["g2"] }), 200],
    ["another group", () => ({ groups: ["g3"] }), 403],
    ["nobody, which is no restriction,", () => ({ identities: [], groups: [] }), 200],
  ])("that lists %s as principal gives $2", async (_, principals, status) => {
    const validation = { defaultAuthorizationPolicy: { allowedPrincipals: principals() } };
    const url = await openGate(around, apiSettings(validation));
    expect(await statusFor(url, await around.apiToken({ groups: ["g1", "g2"] }))).toBe(status);
  });

  test.each([
    [{ allowedGroups: ["g2"] }, 200],
    [{ allowedGroups: ["g3"] }, 403],
    [{ allowedClientApplications: [FRONTEND.clientId] }, 200],
    [{ allowedClientApplications: [OTHER] }, 403],
    [{ allowedGroups: ["g2"], allowedClientApplications: [OTHER] }, 403],
  ])("with jwtClaimChecks %j gives %i", async (jwtClaimChecks, status) => {
    const url = await openGate(around, apiSettings({ jwtClaimChecks }));
    expect(await statusFor(url, await around.apiToken({ groups: ["g1", "g2"] }))).toBe(status);
  });

  const tenants = (value: string): Partial<GateOptions> => ({
    appSettings: { WEBSITE_AUTH_AAD_ALLOWED_TENANTS: value, SECRET: FRONTEND.clientSecrets[0] },
  });

  test.each([
    [TENANT_ID, 200],
    [`${OTHER}, ${TENANT_ID}`, 200],
    [OTHER, 403],
    ["", 200],
  ])("with the allowed tenants %j gives %i", async (value, status) => {
    const url = await openGate(around, apiSettings(), tenants(value));
    expect(await statusFor(url, await around.apiToken())).toBe(status);
  });

  test("also applies to a session", async () => {
    const url = await openGate(around, frontendSettings(), tenants(OTHER));
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/x`)).status).toBe(403);
  });

  test.each([
    ["true", 403],
    ["1", 403],
    ["false", 200],
  ])("that requires a service principal (%s) gives %i to a token without oid", async (value, status) => {
    const appSettings = { WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL: value };
    const url = await openGate(around, apiSettings(), { appSettings });
    expect(await statusFor(url, await around.apiToken({ oid: undefined }))).toBe(status);
    expect(await statusFor(url, await around.apiToken())).toBe(200);
  });
});

describe("a request with a session and a bearer token", () => {
  test.each([
    ["bearer", "sparse"],
    ["session", "works"],
  ] as const)("is the %s's, by the switch", async (precedence, expected) => {
    const url = await openGate(around, frontendSettings(), { switches: { precedence } });
    const browser = await signedIn(url);
    const account = around.account("sparse");
    const token = await around.issuer.apiToken({ account, audience: FRONTEND, scope: "x" });
    const response = await browser.request(`${url}/x`, { headers: { authorization: `Bearer ${token}` } });
    const { headers } = (await response.json()) as { headers: Record<string, string> };
    expect(headers["x-ms-client-principal-id"]).toBe(around.account(expected).objectId);
  });
});
