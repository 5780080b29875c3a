import { describe, expect, test } from "vitest";
import { FRONTEND } from "../../src/directory/directory.ts";
import { apiSettings, echoed, frontendSettings, openGate, signedIn, surroundings } from "./fixture.ts";

const around = surroundings();
const OFF = { login: { tokenStore: { enabled: false } } };

const tokenHeaders = ({ headers }: { headers: Record<string, string> }) =>
  Object.keys(headers).filter((name) => name.startsWith("x-ms-token-"));

describe("without a token store", () => {
  test("the app gets the principal and no token", async () => {
    const url = await openGate(around, frontendSettings(OFF));
    const browser = await signedIn(url);
    const reached = await echoed(await browser.request(`${url}/x`));
    expect(tokenHeaders(reached)).toEqual([]);
    expect(reached.headers["x-ms-client-principal-id"]).toBe(around.account("works").objectId);
  });

  test.each(["404", "401"] as const)("/.auth/me answers %s, by the switch", async (meWithoutTokenStore) => {
    const url = await openGate(around, frontendSettings(OFF), { switches: { meWithoutTokenStore } });
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/.auth/me`)).status).toBe(Number(meWithoutTokenStore));
  });

  test("/.auth/refresh answers 403 to a session", async () => {
    const url = await openGate(around, frontendSettings(OFF));
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/.auth/refresh`)).status).toBe(403);
  });

  test("a bearer call has no token header, whatever the switch says", async () => {
    const settings = { ...apiSettings(), ...OFF };
    const url = await openGate(around, settings, { switches: { bearerTokenHeaders: "fresh" } });
    const headers = { authorization: `Bearer ${await around.apiToken()}` };
    expect(tokenHeaders(await echoed(await fetch(`${url}/x`, { headers })))).toEqual([]);
  });
});

describe("/.auth/refresh", () => {
  const withScope = (scope: string) => {
    const settings = frontendSettings();
    const { azureActiveDirectory } = settings.identityProviders;
    const login = { loginParameters: [`scope=${scope}`] };
    return { ...settings, identityProviders: { azureActiveDirectory: { ...azureActiveDirectory, login } } };
  };

  test("answers 403 if offline_access was not requested", async () => {
    const url = await openGate(around, withScope("openid profile"));
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/.auth/refresh`)).status).toBe(403);
    const { headers } = await echoed(await browser.request(`${url}/x`));
    expect(headers["x-ms-token-aad-refresh-token"]).toBeUndefined();
  });

  test("answers 401 to a bearer token alone", async () => {
    const url = await openGate(around, frontendSettings());
    const headers = { authorization: `Bearer ${await around.apiToken({ aud: FRONTEND.clientId })}` };
    expect((await fetch(`${url}/.auth/refresh`, { headers })).status).toBe(401);
  });

  test.each([
    ["kept", true],
    ["renewed", false],
  ] as const)("leaves the ID token %s, by the switch", async (idTokenAfterRefresh, isSame) => {
    const url = await openGate(around, frontendSettings(), { switches: { idTokenAfterRefresh } });
    const browser = await signedIn(url);
    const idToken = async () =>
      (await echoed(await browser.request(`${url}/x`))).headers["x-ms-token-aad-id-token"] ?? "";
    const before = await idToken();
    expect((await browser.request(`${url}/.auth/refresh`)).status).toBe(200);
    expect((await idToken()) === before).toBe(isSame);
  });
});

describe("/.auth/me", () => {
  test("has exactly the documented fields", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    const [entry] = (await (await browser.request(`${url}/.auth/me`)).json()) as [Record<string, unknown>];
    expect(Object.keys(entry).sort()).toEqual([
      ...["access_token", "expires_on", "id_token", "provider_name", "refresh_token", "user_claims", "user_id"],
    ]);
    expect(entry.expires_on).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    expect(entry.user_claims).toContainEqual({ typ: "name", val: "Adele Vance" });
  });

  test("answers an empty array without a session, by the switch", async () => {
    const url = await openGate(around, frontendSettings(), { switches: { meUnauthenticated: "emptyArray" } });
    const response = await fetch(`${url}/.auth/me`);
    expect([response.status, await response.json()]).toEqual([200, []]);
  });
});

describe("the token headers of a bearer call", () => {
  test.each(["fresh", "stale"] as const)("are %s, by the switch", async (bearerTokenHeaders) => {
    const url = await openGate(around, apiSettings(), { switches: { bearerTokenHeaders } });
    const tokens = [await around.apiToken(), await around.apiToken({ exp: Math.floor(Date.now() / 1000) + 60 })];
    const seen: unknown[] = [];
    for (const token of tokens) {
      const { headers } = await echoed(await fetch(`${url}/x`, { headers: { authorization: `Bearer ${token}` } }));
      seen.push(headers["x-ms-token-aad-access-token"]);
    }
    expect(seen).toEqual(bearerTokenHeaders === "fresh" ? tokens : [tokens[0], tokens[0]]);
  });
});
