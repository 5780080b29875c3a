import http from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { FRONTEND } from "../../src/directory/directory.ts";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { apiSettings, echoed, frontendSettings, openGate, principalClaims, signedIn, surroundings } from "./fixture.ts";

const LONG = "http://schemas.microsoft.com";
const MANY_GROUPS = Array.from(
  { length: 200 },
  (_, index) => `00000000-0000-0000-0000-${String(index).padStart(12, "0")}`,
);
const around = surroundings({ groups: MANY_GROUPS });

async function reached(changes: Record<string, unknown>, isFunctionApp = false): Promise<Record<string, string>> {
  const url = await openGate(around, apiSettings(), { isFunctionApp });
  const headers = { authorization: `Bearer ${await around.apiToken(changes)}`, "x-city": "caf\xe9" };
  return (await echoed(await fetch(`${url}/x`, { headers }))).headers;
}

describe("the principal", () => {
  test("repeats a claim that has several values, in order", async () => {
    const claims = principalClaims(await reached({ groups: ["g1", "g2"], amr: ["pwd", "mfa"], roles: ["A", "B"] }));
    const valuesOf = (type: string) => claims.filter(({ typ }) => typ === type).map(({ val }) => val);
    expect(valuesOf("groups")).toEqual(MANY_GROUPS);
    expect(valuesOf(`${LONG}/claims/authnmethodsreferences`)).toEqual(["pwd", "mfa"]);
    expect(valuesOf("roles")).toEqual(["A", "B"]);
  });

  test("names a guest's identity provider in App Service's claim type", async () => {
    const idp = "https://sts.windows.net/bbbbcccc-1111-dddd-2222-eeee3333ffff/";
    const claims = principalClaims(await reached({ idp }));
    expect(claims).toContainEqual({ typ: `${LONG}/identity/claims/identityprovider`, val: idp });
    expect(claims.map(({ typ }) => typ)).not.toContain("idp");
  });

  test("holds every value as text: numbers, truth values, objects", async () => {
    const claims = principalClaims(await reached({ exp: 4102444800, xms_cc: { values: ["cp1"] }, deviceid: true }));
    expect(claims).toContainEqual({ typ: "exp", val: "4102444800" });
    expect(claims).toContainEqual({ typ: "xms_cc", val: '{"values":["cp1"]}' });
    expect(claims).toContainEqual({ typ: "deviceid", val: "true" });
  });

  test.each([
    ["tid", `${LONG}/identity/claims/tenantid`],
    ["oid", `${LONG}/identity/claims/objectidentifier`],
    ["scp", `${LONG}/identity/claims/scope`],
    ["sub", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"],
    ["email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"],
    ["upn", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"],
    ["preferred_username", "preferred_username"],
    ["azp", "azp"],
  ])("names the claim %s as %s", async (name, typ) => {
    expect(principalClaims(await reached({ [name]: "a value" }))).toContainEqual({ typ, val: "a value" });
  });
});

describe("X-MS-CLIENT-PRINCIPAL-NAME", () => {
  test.each([
    [{ preferred_username: "adele@contoso.example", upn: "other" }, "adele@contoso.example"],
    [{ preferred_username: undefined, upn: "adele@contoso.example" }, "adele@contoso.example"],
    [{ preferred_username: undefined, unique_name: "live.com#adele" }, "live.com#adele"],
    [{ preferred_username: undefined, oid: "the-object-id" }, "the-object-id"],
  ])("is the user's name in %j", async (changes, name) => {
    expect((await reached(changes))["x-ms-client-principal-name"]).toBe(name);
  });

  test("carries names of other alphabets as UTF-8", async () => {
    const name = (await reached({ preferred_username: "žofie@contoso.example" }))["x-ms-client-principal-name"] ?? "";
    expect(Buffer.from(name, "latin1").toString()).toBe("žofie@contoso.example");
  });

  // https://github.com/Azure/azure-functions-host/issues/9718: a function gets the UTF-8 of UTF-8.
  test("reaches a function app with each byte as a character, as every header does", async () => {
    const headers = await reached({ preferred_username: "žofie@contoso.example" }, true);
    const seen = (name: string) => Buffer.from(headers[name] ?? "", "latin1").toString();
    expect(seen("x-ms-client-principal-name")).toBe("Å¾ofie@contoso.example");
    expect(seen("x-city")).toBe("café");
    expect(principalClaims(headers)).toContainEqual({ typ: "preferred_username", val: "žofie@contoso.example" });
  });
});

describe("a session with many groups", () => {
  test("takes several cookies, works, and loses all of them with signing out", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    const cookies = ["AppServiceAuthSession", "AppServiceAuthSession1", "AppServiceAuthSession2"];
    for (const name of cookies) expect(browser.cookie(name)?.length).toBeGreaterThan(1000);
    const { headers } = await echoed(await browser.request(`${url}/x`));
    expect(principalClaims(headers).filter(({ typ }) => typ === "groups")).toHaveLength(200);
    await browser.request(`${url}/.auth/logout`);
    for (const name of cookies) expect(browser.cookie(name)).toBeUndefined();
  });

  test("leaves no extra cookies behind when a shorter session follows", async () => {
    const url = await openGate(around, frontendSettings());
    const cookie = "AppServiceAuthSession=old; AppServiceAuthSession7=old; Other=1";
    const body = JSON.stringify({ access_token: await around.apiToken({ aud: FRONTEND.clientId }) });
    const response = await fetch(`${url}/.auth/login/aad`, { method: "POST", body, headers: { cookie } });
    const removed = response.headers.getSetCookie().filter((one) => one.includes("=deleted"));
    expect(removed).toEqual([
      "AppServiceAuthSession7=deleted; Path=/; HttpOnly; SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ]);
  });

  test("has no cookie that a browser would drop", async () => {
    const url = await openGate(around, frontendSettings());
    const body = JSON.stringify({ access_token: await around.apiToken({ aud: FRONTEND.clientId }) });
    const response = await fetch(`${url}/.auth/login/aad`, { method: "POST", body });
    for (const cookie of response.headers.getSetCookie()) {
      expect(cookie.length).toBeLessThanOrEqual(4096);
      expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/);
    }
  });

  test("is answered 431 by an app that takes no more than Node's 16 KiB of headers", async () => {
    const app = await listenOnLoopback(
      http.createServer((_, response) => response.end()),
      0,
    );
    const url = await openGate(around, frontendSettings(), { upstream: app.url });
    onTestFinished(() => app.close());
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/x`)).status).toBe(431);
  });
});

describe("a request", () => {
  test.each([
    [60_000, 200],
    [70_000, 431],
  ])("with %i bytes of headers is answered %i, as App Service's limit is 64 KiB", async (bytes, status) => {
    const url = await openGate(around, {
      ...apiSettings(),
      globalValidation: { unauthenticatedClientAction: "AllowAnonymous" },
    });
    expect((await fetch(`${url}/x`, { headers: { "x-large": "x".repeat(bytes) } })).status).toBe(status);
  });
});
