import http from "node:http";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import { sendRaw } from "../../../../test/support/raw-http.ts";
import { API, AUTHORITY_ORIGIN, createDirectory, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import type { AuthSettings } from "../../src/easy-auth/auth-settings.ts";
import { startGate } from "../../src/easy-auth/gate.ts";
import { createSigningKeys } from "../../src/entra/keys.ts";
import { startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import { type LoopbackServer, listenOnLoopback } from "../../src/http/loopback-server.ts";
import { routeMicrosoftOrigins } from "../../src/routing/microsoft-origins.ts";
import { Browser } from "../../src/test-kit/browser.ts";

const directory = createDirectory();
const closing: (() => unknown)[] = [];
let issuer: TokenIssuer;
let entra: LoopbackServer;
let echo: LoopbackServer;
let frontendGate: LoopbackServer;
let apiGate: LoopbackServer;

type Action = AuthSettings["globalValidation"]["unauthenticatedClientAction"];

function settingsFor(clientId: string, unauthenticatedClientAction: Action, scope?: string): AuthSettings {
  return {
    globalValidation: { unauthenticatedClientAction, excludedPaths: ["/health", "/public/*"] },
    identityProviders: {
      azureActiveDirectory: {
        registration: {
          openIdIssuer: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
          clientId,
          ...(scope !== undefined && { clientSecretSettingName: "FRONTEND_SECRET" }),
        },
        ...(scope !== undefined && { login: { loginParameters: [`scope=${scope}`] } }),
        validation: {
          allowedAudiences: [clientId],
          defaultAuthorizationPolicy: { allowedApplications: [FRONTEND.clientId] },
        },
      },
    },
    login: { tokenStore: { enabled: true } },
  };
}

beforeAll(async () => {
  issuer = createTokenIssuer(await createSigningKeys(inject("stateFolder")));
  entra = await startEntra({ directory, issuer });
  // An app that answers with the request that reached it.
  echo = await listenOnLoopback(
    http.createServer((request, response) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ path: request.url, headers: request.headers }));
    }),
    0,
  );
  const scope = `openid profile email offline_access ${API.identifierUris[0]}/user_impersonation`;
  frontendGate = await startGate({
    settings: settingsFor(FRONTEND.clientId, "RedirectToLoginPage", scope),
    upstream: echo.url,
    appSettings: { FRONTEND_SECRET: FRONTEND.clientSecrets[0] },
    browserOrigin: entra.url,
  });
  apiGate = await startGate({ settings: settingsFor(API.clientId, "Return401"), upstream: echo.url });
  const unroute = routeMicrosoftOrigins({ entra: entra.url, graph: "http://localhost:9" });
  closing.push(
    () => entra.close(),
    () => echo.close(),
    () => frontendGate.close(),
    () => apiGate.close(),
    unroute,
  );
});
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

const account = (key: string) => accountOf(directory, key);

function apiToken(changes?: Record<string, unknown>): Promise<string> {
  return issuer.apiToken({ account: account("works"), audience: API, scope: "user_impersonation" }, changes);
}

async function echoed(response: Response): Promise<{ path: string; headers: Record<string, string> }> {
  return (await response.json()) as { path: string; headers: Record<string, string> };
}

const SPOOFED = {
  "X-MS-CLIENT-PRINCIPAL": "spoofed",
  "x-ms-client-principal-id": "spoofed",
  "X-Ms-Client-Principal-Name": "spoofed",
  "X-MS-CLIENT-PRINCIPAL-IDP": "spoofed",
  "X-MS-CLIENT-PRINCIPAL-SOMETHING": "spoofed",
  "X-MS-TOKEN-AAD-ACCESS-TOKEN": "spoofed",
  "X-MS-TOKEN-AAD-ID-TOKEN": "spoofed",
  "X-MS-TOKEN-AAD-REFRESH-TOKEN": "spoofed",
  "X-MS-TOKEN-GOOGLE-ACCESS-TOKEN": "spoofed",
};

describe("a spoofed header", () => {
  test("never reaches the app, signed in by cookie", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const response = await browser.request(`${frontendGate.url}/x`, { headers: SPOOFED });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("spoofed");
  });

  test("never reaches the app, signed in by bearer token", async () => {
    const headers = { ...SPOOFED, authorization: `Bearer ${await apiToken()}` };
    const response = await fetch(`${apiGate.url}/x`, { headers });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("spoofed");
  });

  test("never reaches the app on an excluded path", async () => {
    const response = await fetch(`${apiGate.url}/health`, { headers: SPOOFED });
    expect(response.status).toBe(200);
    expect(await response.text()).not.toContain("spoofed");
  });
});

describe("a session", () => {
  test("gives the app all eight headers of Easy Auth", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const { headers } = await echoed(await browser.request(`${frontendGate.url}/x`));
    const injected = Object.keys(headers).filter((name) => name.startsWith("x-ms-"));
    expect(injected.sort()).toEqual([
      "x-ms-client-principal",
      "x-ms-client-principal-id",
      "x-ms-client-principal-idp",
      "x-ms-client-principal-name",
      "x-ms-token-aad-access-token",
      "x-ms-token-aad-expires-on",
      "x-ms-token-aad-id-token",
      "x-ms-token-aad-refresh-token",
    ]);
    expect(headers["x-ms-client-principal-id"]).toBe(account("works").objectId);
    expect(headers["x-ms-token-aad-expires-on"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/);
    const principal = JSON.parse(Buffer.from(headers["x-ms-client-principal"] ?? "", "base64").toString());
    expect(principal).toMatchObject({ auth_typ: "aad", role_typ: expect.any(String), name_typ: expect.any(String) });
    expect(principal.claims).toContainEqual({
      typ: "http://schemas.microsoft.com/identity/claims/objectidentifier",
      val: account("works").objectId,
    });
  });

  test("is shown by /.auth/me as an array", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const entries = await (await browser.request(`${frontendGate.url}/.auth/me`)).json();
    expect(entries).toEqual([
      expect.objectContaining({
        provider_name: "aad",
        user_id: "adele.vance@contoso.example",
        access_token: expect.stringMatching(/^eyJ/),
        id_token: expect.stringMatching(/^eyJ/),
        refresh_token: expect.any(String),
      }),
    ]);
  });

  test("gets a new access token from /.auth/refresh", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const before = await echoed(await browser.request(`${frontendGate.url}/x`));
    expect((await browser.request(`${frontendGate.url}/.auth/refresh`)).status).toBe(200);
    const after = await echoed(await browser.request(`${frontendGate.url}/x`));
    const name = "x-ms-token-aad-access-token";
    expect(after.headers[name]).toMatch(/^eyJ/);
    expect(after.headers[name]).not.toBe(before.headers[name]);
  });

  test("without a cookie, /.auth/me and /.auth/refresh answer 401", async () => {
    expect((await fetch(`${frontendGate.url}/.auth/me`)).status).toBe(401);
    expect((await fetch(`${frontendGate.url}/.auth/refresh`)).status).toBe(401);
  });

  test("of one browser is not visible in another", async () => {
    const [adele, diego] = [new Browser(), new Browser()];
    await adele.signIn(`${frontendGate.url}/`, "works");
    await diego.signIn(`${frontendGate.url}/`, "sparse");
    const name = async (browser: Browser) => {
      const { headers } = await echoed(await browser.request(`${frontendGate.url}/x`));
      return headers["x-ms-client-principal-name"];
    };
    expect([await name(adele), await name(diego)]).toEqual([
      "adele.vance@contoso.example",
      "diego.siciliani@contoso.example",
    ]);
  });

  test("ends with signing out: its old cookie identifies nobody", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const cookie = `AppServiceAuthSession=${browser.cookie("AppServiceAuthSession")}`;
    expect((await fetch(`${frontendGate.url}/.auth/me`, { headers: { cookie } })).status).toBe(200);
    await Promise.all([
      browser.request(`${frontendGate.url}/.auth/refresh`),
      browser.request(`${frontendGate.url}/.auth/logout`),
    ]);
    expect((await fetch(`${frontendGate.url}/.auth/me`, { headers: { cookie } })).status).toBe(401);
  });

  test("cookie is out of reach for page scripts", async () => {
    const browser = new Browser();
    const kept: string[] = [];
    const request = browser.request.bind(browser);
    browser.request = async (...call) => {
      const response = await request(...call);
      kept.push(...response.headers.getSetCookie());
      return response;
    };
    await browser.signIn(`${frontendGate.url}/`, "works");
    expect(kept.filter((cookie) => cookie.startsWith("AppServiceAuthSession="))).toEqual([
      expect.stringMatching(/; HttpOnly; SameSite=Lax$/),
    ]);
  });
});

describe("signing in", () => {
  test("returns to post_login_redirect_uri", async () => {
    const target = encodeURIComponent("/deep/link?a=1");
    const { url } = await new Browser().signIn(
      `${frontendGate.url}/.auth/login/aad?post_login_redirect_uri=${target}`,
      "works",
    );
    expect(url).toBe(`${frontendGate.url}/deep/link?a=1`);
  });

  test.each([
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "http://localhost@evil.example/",
    "javascript:alert(1)",
    "/%09/evil.example",
    "http://user:password@localhost/",
    "http:evil.example",
  ])("never leads to another site: %s", async (target) => {
    for (const route of ["login/aad?post_login_redirect_uri", "logout?post_logout_redirect_uri"]) {
      const url = `${frontendGate.url}/.auth/${route}=${encodeURIComponent(target)}`;
      const response = await new Browser().request(url);
      const location = response.headers.get("location");
      if (location !== null) expect(new URL(location).hostname).toBe("localhost");
      else expect(response.status).toBe(400);
    }
  });

  test.each(["//evil.example/x?a=1", "/.//evil.example", "/%2e//evil.example/", "/\\\\evil.example/"])(
    "ends at this site when it began at %s",
    async (path) => {
      const { url } = await new Browser().signIn(`${frontendGate.url}${path}`, "works");
      expect(new URL(url).origin).toBe(frontendGate.url);
    },
  );

  test("twice with one callback answers 401 the second time", async () => {
    const browser = new Browser();
    const seen: string[] = [];
    const request = browser.request.bind(browser);
    browser.request = (url, init) => {
      seen.push(url);
      return request(url, init);
    };
    await browser.signIn(`${frontendGate.url}/`, "works");
    const callback = seen.find((url) => url.includes("/callback?")) ?? "";
    expect((await request(callback)).status).toBe(401);
  });

  test("works in two tabs at once", async () => {
    const browser = new Browser();
    const [first, second] = [await browser.open(`${frontendGate.url}/a`), await browser.open(`${frontendGate.url}/b`)];
    for (const [page, path] of [
      [first, "/a"],
      [second, "/b"],
    ] as const) {
      const ticket = /name="ticket" value="([^"]+)"/.exec(await page.response.text())?.[1] ?? "";
      const body = new URLSearchParams({ ticket, account: "works" });
      const { url } = await browser.open(`${entra.url}/${TENANT_ID}/emulator/sign-in`, { method: "POST", body });
      expect(url).toBe(`${frontendGate.url}${path}`);
    }
  });

  test.each([
    ["a state that was never issued", "?code=x&state=y"],
    ["nothing", ""],
  ])("with %s in the callback answers 401", async (_, query) => {
    expect((await new Browser().request(`${frontendGate.url}/.auth/login/aad/callback${query}`)).status).toBe(401);
  });

  test("begun in one browser cannot be completed in another", async () => {
    const [victim, attacker] = [new Browser(), new Browser()];
    const picker = await attacker.open(`${frontendGate.url}/`);
    const ticket = /name="ticket" value="([^"]+)"/.exec(await picker.response.text())?.[1] ?? "";
    const body = new URLSearchParams({ ticket, account: "works" });
    const picked = await attacker.request(`${entra.url}/${TENANT_ID}/emulator/sign-in`, { method: "POST", body });
    const callback = picked.headers.get("location") ?? "";
    expect(callback).toContain("code=");
    expect((await victim.request(callback)).status).toBe(401);
    expect(victim.cookie("AppServiceAuthSession")).toBeUndefined();
  });
});

describe("a request without a session", () => {
  test("is sent to sign in when a browser makes it", async () => {
    const response = await new Browser().request(`${frontendGate.url}/x`);
    expect(response.status).toBe(302);
    expect(response.headers.get("location")).toContain(`${entra.url}/${TENANT_ID}/oauth2/v2.0/authorize?`);
  });

  test("is answered 401 when a program makes it", async () => {
    expect((await fetch(`${frontendGate.url}/x`, { redirect: "manual" })).status).toBe(401);
  });

  test("is answered 401 by an API, with App Service's challenge", async () => {
    const response = await new Browser().request(`${apiGate.url}/x`);
    expect(response.status).toBe(401);
    const { host } = new URL(apiGate.url);
    const authorizationUri = `${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/authorize`;
    expect(response.headers.get("www-authenticate")).toBe(
      `Bearer realm="${host}" authorization_uri="${authorizationUri}" resource_id="${API.clientId}"`,
    );
    expect(await response.text()).toBe("");
  });

  test.each([
    ["/health", 200],
    ["/health/more", 401],
    ["/public/a/b", 200],
    ["/publicity", 401],
    ["/public/../x", 401],
    ["/public/%2e%2e/x", 401],
    ["/public/..%2f..%2fx", 401],
    ["/public/%5c..%5cx", 401],
    ["/x/../health", 200],
    ["//health", 401],
  ])("to %s is answered %i under the excluded paths", async (path, status) => {
    const { status: answered } = await sendRaw(apiGate.url, path, ["Connection: close"]);
    expect(answered).toBe(status);
  });
});

describe("a bearer token", () => {
  test("reaches the app unchanged, with the principal and without token headers", async () => {
    const token = await apiToken();
    const { headers } = await echoed(
      await fetch(`${apiGate.url}/x`, { headers: { authorization: `Bearer ${token}` } }),
    );
    expect(headers.authorization).toBe(`Bearer ${token}`);
    expect(headers["x-ms-client-principal-id"]).toBe(account("works").objectId);
    expect(Object.keys(headers).filter((name) => name.startsWith("x-ms-token-"))).toEqual([]);
  });

  test("of an app that is not allowed is answered 403", async () => {
    const headers = { authorization: `Bearer ${await apiToken({ azp: "99999999-0000-0000-0000-000000000000" })}` };
    expect((await fetch(`${apiGate.url}/x`, { headers })).status).toBe(403);
  });

  test("that is wrong is answered 401 even with a session", async () => {
    const browser = new Browser();
    await browser.signIn(`${frontendGate.url}/`, "works");
    const response = await browser.request(`${apiGate.url}/x`, { headers: { authorization: "Bearer a.b.c" } });
    expect(response.status).toBe(401);
  });
});

describe("the gate", () => {
  test("copes with headers about the connection, and keeps them from the app", async () => {
    const headers = [
      "Trailer: x",
      "TE: trailers",
      "Proxy-Authorization: Basic x",
      "X-Mine: 1",
      "Connection: close, X-Mine",
    ];
    const { status, body } = await sendRaw(apiGate.url, "/health", headers);
    expect(status).toBe(200);
    for (const name of ["trailer", '"te"', "proxy-authorization", "x-mine"]) expect(body).not.toContain(name);
    expect((await fetch(`${apiGate.url}/health`)).status).toBe(200);
  });

  test.each(["X-MS-CLIENT-PRINCIPAL-ID", "Host"])(
    "lets no client have %s removed by naming it in Connection",
    async (name) => {
      const browser = new Browser();
      await browser.signIn(`${frontendGate.url}/`, "works");
      const cookie = `Cookie: AppServiceAuthSession=${browser.cookie("AppServiceAuthSession")}`;
      const { body } = await sendRaw(frontendGate.url, "/x", [cookie, `Connection: close, ${name}`]);
      expect(body).toContain(`"x-ms-client-principal-id":"${account("works").objectId}"`);
      expect(body).toContain(`"host":"${new URL(frontendGate.url).host}"`);
    },
  );

  test("accepts only paths as request targets", async () => {
    const { status } = await sendRaw(apiGate.url, "http://localhost/health", ["Connection: close"]);
    expect(status).toBe(400);
  });

  test("never forwards /.auth", async () => {
    const headers = { authorization: `Bearer ${await apiToken()}` };
    for (const path of ["/.auth", "/.auth/", "/.auth/unknown"]) {
      expect((await fetch(`${apiGate.url}${path}`, { headers })).status).toBe(404);
    }
  });

  test("answers 502 when the app is down", async () => {
    const gate = await startGate({
      settings: settingsFor(API.clientId, "AllowAnonymous"),
      upstream: "http://localhost:9",
    });
    expect((await fetch(`${gate.url}/x`)).status).toBe(502);
    await gate.close();
  });

  test("refuses another host name, against DNS rebinding", async () => {
    const { status } = await sendRaw(frontendGate.url, "/health", ["Host: evil.example", "Connection: close"]);
    expect(status).toBe(421);
  });
});
