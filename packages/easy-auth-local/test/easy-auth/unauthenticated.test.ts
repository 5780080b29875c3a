import { describe, expect, test } from "vitest";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "../../src/directory/directory.ts";
import type { AuthSettings } from "../../src/easy-auth/auth-settings.ts";
import {
  apiSettings,
  echoed,
  frontendSettings,
  openGate,
  signedIn,
  surroundings,
  V1_ISSUER,
  V2_ISSUER,
} from "./fixture.ts";

const around = surroundings();
const BROWSER = { "user-agent": "Mozilla/5.0" };

type Global = AuthSettings["globalValidation"];
const ask = (url: string, headers: Record<string, string> = {}) => fetch(url, { headers, redirect: "manual" });

describe("a request without a credential", () => {
  test.each([
    ["RedirectToLoginPage", 302, 401],
    ["Return401", 401, 401],
    ["Return403", 403, 403],
    ["Return404", 404, 404],
    ["AllowAnonymous", 200, 200],
  ] as const)(
    "under %s gets %i in a browser and %i in a program",
    async (unauthenticatedClientAction, browser, program) => {
      const url = await openGate(around, frontendSettings({ globalValidation: { unauthenticatedClientAction } }));
      expect((await ask(`${url}/x`, BROWSER)).status).toBe(browser);
      expect((await ask(`${url}/x`)).status).toBe(program);
    },
  );

  test("passes if authentication is not required", async () => {
    const globalValidation: Global = { requireAuthentication: false, unauthenticatedClientAction: "Return401" };
    const url = await openGate(around, frontendSettings({ globalValidation }));
    expect((await ask(`${url}/x`)).status).toBe(200);
  });

  test.each([
    ["linux", "", null],
    ["windows", "You do not have permission to view this directory or page.", "text/html"],
  ] as const)("gets the body of a %s server, by the switch", async (platform401, body, type) => {
    const url = await openGate(around, apiSettings(), { switches: { platform401 } });
    const response = await ask(`${url}/x`);
    expect(await response.text()).toBe(body);
    expect(response.headers.get("content-length")).toBe(String(body.length));
    expect(response.headers.get("content-type")).toBe(type);
  });

  test.each([
    [V2_ISSUER, "oauth2/v2.0/authorize"],
    [V1_ISSUER, "oauth2/authorize"],
    [`https://sts.windows.net/${TENANT_ID}/v2.0`, "oauth2/v2.0/authorize"],
  ])("with the issuer %s is challenged to %s", async (issuer, path) => {
    const url = await openGate(around, apiSettings({}, issuer));
    expect((await ask(`${url}/x`)).headers.get("www-authenticate")).toBe(
      `Bearer realm="${new URL(url).host}" authorization_uri="${AUTHORITY_ORIGIN}/${TENANT_ID}/${path}" resource_id="${API.clientId}"`,
    );
  });

  test("gets no challenge if challenges are disabled", async () => {
    const { azureActiveDirectory } = apiSettings().identityProviders;
    const login = { disableWWWAuthenticate: true };
    const identityProviders = { azureActiveDirectory: { ...azureActiveDirectory, login } };
    const url = await openGate(around, { ...apiSettings(), identityProviders });
    const response = await ask(`${url}/x`);
    expect([response.status, response.headers.get("www-authenticate")]).toEqual([401, null]);
  });
});

describe("a bearer token that does not hold", () => {
  test.each([
    ["passAnonymous", 200],
    ["401", 401],
  ] as const)("where anonymous requests may pass: %s gives %i", async (invalidBearerUnderAllowAnonymous, status) => {
    const globalValidation: Global = { unauthenticatedClientAction: "AllowAnonymous" };
    const switches = { invalidBearerUnderAllowAnonymous };
    const url = await openGate(around, { ...apiSettings(), globalValidation }, { switches });
    const response = await ask(`${url}/x`, { authorization: "Bearer a.b.c" });
    expect(response.status).toBe(status);
    if (status === 200) {
      const { headers } = await echoed(response);
      expect(headers.authorization).toBe("Bearer a.b.c");
      expect(Object.keys(headers).filter((name) => name.startsWith("x-ms-"))).toEqual([]);
    }
  });

  test("of a client that is not allowed gets 403 even if anonymous requests pass", async () => {
    const globalValidation: Global = { unauthenticatedClientAction: "AllowAnonymous" };
    const policy = { defaultAuthorizationPolicy: { allowedApplications: ["another"] } };
    const url = await openGate(around, { ...apiSettings(policy), globalValidation });
    expect((await ask(`${url}/x`, { authorization: `Bearer ${await around.apiToken()}` })).status).toBe(403);
  });
});

describe("an excluded path", () => {
  const globalValidation: Global = { unauthenticatedClientAction: "Return401", excludedPaths: ["/open"] };

  test.each([
    ["exact", 401],
    ["prefix", 200],
  ] as const)("with %s matching gives %i to paths below it", async (excludedPathMatch, status) => {
    const url = await openGate(around, frontendSettings({ globalValidation }), { switches: { excludedPathMatch } });
    expect((await ask(`${url}/open`)).status).toBe(200);
    expect((await ask(`${url}/open/more`)).status).toBe(status);
    expect((await ask(`${url}/opened`)).status).toBe(401);
  });

  test.each([
    ["none", undefined],
    ["injected", "aad"],
  ] as const)("gets a signed-in user's headers by the switch: %s", async (excludedPathHeaders, idp) => {
    const excluded: Global = { unauthenticatedClientAction: "RedirectToLoginPage", excludedPaths: ["/open"] };
    const settings = frontendSettings({ globalValidation: excluded });
    const url = await openGate(around, settings, { switches: { excludedPathHeaders } });
    const browser = await signedIn(url);
    const { headers } = await echoed(await browser.request(`${url}/open`));
    expect(headers["x-ms-client-principal-idp"]).toBe(idp);
  });
});

describe("a gate that is off", () => {
  test("passes everything on unchanged, including spoofed headers and /.auth", async () => {
    const url = await openGate(around, frontendSettings({ platform: { enabled: false } }));
    const { path, headers } = await echoed(await ask(`${url}/.auth/me`, { "x-ms-client-principal-id": "spoofed" }));
    expect(path).toBe("/.auth/me");
    expect(headers["x-ms-client-principal-id"]).toBe("spoofed");
  });
});
