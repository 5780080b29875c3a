import { describe, expect, test } from "vitest";
import { FRONTEND } from "../../src/directory/directory.ts";
import { redirectTarget } from "../../src/easy-auth/redirect-target.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { apiSettings, frontendSettings, openGate, signedIn, surroundings } from "./fixture.ts";

const around = surroundings();

const withLogin = (loginParameters: string[]) => {
  const settings = frontendSettings();
  const { azureActiveDirectory } = settings.identityProviders;
  const login = { loginParameters };
  return { ...settings, identityProviders: { azureActiveDirectory: { ...azureActiveDirectory, login } } };
};

async function authorizeQuery(gateUrl: string, query = ""): Promise<URLSearchParams> {
  const response = await new Browser().request(`${gateUrl}/.auth/login/aad${query}`);
  return new URL(response.headers.get("location") ?? "").searchParams;
}

describe("where a sign-in may end", () => {
  const site = "http://localhost:4280";
  const listed = ["https://trusted.example/app?ignored=1", "https://all.example", "myapp://x"];

  test.each([
    ["/a?b=1#c", `${site}/a?b=1#c`],
    [`${site}/a`, `${site}/a`],
    ["", `${site}/`],
    ["https://trusted.example/app?x=1", "https://trusted.example/app?x=1"],
    ["https://all.example/any/path", "https://all.example/any/path"],
    ["https://trusted.example/other", undefined],
    ["https://trusted.example/app/below", undefined],
    ["http://trusted.example/app", undefined],
    ["https://trusted.example:444/app", undefined],
    ["https://user@trusted.example/app", undefined],
    ["//all.example/", undefined],
    ["\\\\all.example/", undefined],
    ["/\\all.example/", undefined],
    ["http://localhost:4281/", undefined],
    ["http://user@localhost:4280/", undefined],
    ["javascript:alert(1)", undefined],
    ["myapp://x", undefined],
    ["http://", undefined],
  ])("%j leads to %j", (asked, target) => {
    expect(redirectTarget(asked, site, listed)).toBe(target);
  });
});

describe("GET /.auth/login/aad", () => {
  test("ends at a listed external address", async () => {
    const login = { tokenStore: { enabled: true }, allowedExternalRedirectUrls: [`${around.app.url}/landing`] };
    const url = await openGate(around, frontendSettings({ login }));
    const target = encodeURIComponent(`${around.app.url}/landing?x=1`);
    const ended = await new Browser().signIn(`${url}/.auth/login/aad?post_login_redirect_uri=${target}`, "works");
    expect(ended.url).toBe(`${around.app.url}/landing?x=1`);
  });

  test("takes the older spelling post_login_redirect_url", async () => {
    const url = await openGate(around, frontendSettings());
    const ended = await new Browser().signIn(`${url}/.auth/login/aad?post_login_redirect_url=/old`, "works");
    expect(ended.url).toBe(`${url}/old`);
  });

  test("passes parameters on to Entra, except those that the gate decides", async () => {
    const url = await openGate(around, withLogin(["scope=openid", "domain_hint=contoso.example", "prompt=login"]));
    const query = await authorizeQuery(
      url,
      '?prompt=consent&login_hint=adele&claims={"a":1}&redirect_uri=x&client_id=x&state=x&scope=x&response_mode=x',
    );
    expect(Object.fromEntries(query)).toMatchObject({
      client_id: FRONTEND.clientId,
      redirect_uri: `${url}/.auth/login/aad/callback`,
      scope: "openid",
      domain_hint: "contoso.example",
      prompt: "consent",
      login_hint: "adele",
      claims: '{"a":1}',
      response_type: "code",
      code_challenge_method: "S256",
    });
    expect(query.has("response_mode")).toBe(false);
    expect(query.get("state")).not.toBe("x");
  });

  test("asks for the default scopes if none are configured", async () => {
    const url = await openGate(around, withLogin([]));
    expect((await authorizeQuery(url)).get("scope")).toBe("openid profile email");
  });

  test("answers 404 where nobody can sign in", async () => {
    const url = await openGate(around, apiSettings());
    expect((await fetch(`${url}/.auth/login/aad`, { redirect: "manual" })).status).toBe(404);
  });
});

describe("the callback", () => {
  async function callbackOf(browser: Browser, url: string): Promise<URL> {
    const picker = await browser.open(`${url}/deep`);
    const html = await picker.response.text();
    const body = new URLSearchParams({
      ticket: /name="ticket" value="([^"]+)"/.exec(html)?.[1] ?? "",
      account: "works",
    });
    const action = new URL(/<form method="post" action="([^"]+)"/.exec(html)?.[1] ?? "", picker.url).href;
    const picked = await browser.request(action, { method: "POST", body });
    return new URL(picked.headers.get("location") ?? "");
  }

  test("may be posted as a form", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = new Browser();
    const { origin, pathname, searchParams } = await callbackOf(browser, url);
    const response = await browser.request(`${origin}${pathname}`, { method: "POST", body: searchParams });
    expect([response.status, response.headers.get("location")]).toEqual([302, `${url}/deep`]);
    expect((await browser.request(`${url}/.auth/me`)).status).toBe(200);
  });

  test("with a code that Entra does not know shows a page without details, and prints the reason in the terminal", async () => {
    const lines: string[] = [];
    const url = await openGate(around, frontendSettings(), { onError: (line) => lines.push(line) });
    const browser = new Browser();
    const callback = await callbackOf(browser, url);
    callback.searchParams.set("code", "secret-code");
    const response = await browser.request(callback.href);
    expect(response.status).toBe(401);
    const html = await response.text();
    expect(html).toContain("Emulator of App Service authentication");
    expect(html).not.toMatch(/secret-code|AADSTS/);
    expect(lines).toEqual([expect.stringMatching(/sign-in failed: .*invalid_grant AADSTS\d+$/)]);
    expect(lines[0]).not.toContain("secret-code");
  });

  test("with an error of Entra shows that page as well", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = new Browser();
    const state = (await callbackOf(browser, url)).searchParams.get("state");
    const query = new URLSearchParams({ error: "access_denied", error_description: "<b>text</b>", state: state ?? "" });
    const response = await browser.request(`${url}/.auth/login/aad/callback?${query}`);
    expect([response.status, (await response.text()).includes("text</b>")]).toEqual([401, false]);
  });
});

describe("GET /.auth/logout", () => {
  test.each([
    ["app-service", "/.auth/logout/complete"],
    ["container-apps", "/.auth/logout/done"],
  ] as const)("on %s ends at %s", async (platform, path) => {
    const url = await openGate(around, frontendSettings(), { platform });
    const browser = await signedIn(url);
    const ended = await browser.open(`${url}/.auth/logout`);
    expect(ended.url).toBe(`${url}${path}`);
    expect(await ended.response.text()).toContain("You have been signed out.");
    expect(browser.cookie("AppServiceAuthSession")).toBeUndefined();
  });

  test("ends at post_logout_redirect_uri", async () => {
    const url = await openGate(
      around,
      frontendSettings({ globalValidation: { unauthenticatedClientAction: "AllowAnonymous" } }),
    );
    const browser = new Browser();
    const ended = await browser.open(`${url}/.auth/logout?post_logout_redirect_uri=%2Fbye%3Fa%3D1`);
    expect(ended.url).toBe(`${url}/bye?a=1`);
  });

  test("is at the path that logoutEndpoint and apiPrefix set", async () => {
    const routes = { logoutEndpoint: "/bye" };
    const httpSettings = { routes: { apiPrefix: "/auth" } };
    const url = await openGate(
      around,
      frontendSettings({ login: { tokenStore: { enabled: true }, routes }, httpSettings }),
    );
    const body = JSON.stringify({ access_token: await around.apiToken({ aud: FRONTEND.clientId }) });
    const login = await fetch(`${url}/auth/login/aad`, { method: "POST", body });
    const { authenticationToken } = (await login.json()) as { authenticationToken: string };
    const headers = { "x-zumo-auth": authenticationToken };
    expect((await fetch(`${url}/auth/me`, { headers })).status).toBe(200);
    expect((await new Browser().open(`${url}/bye`, { headers })).url).toBe(`${url}/auth/logout/complete`);
    expect((await fetch(`${url}/auth/me`, { headers })).status).toBe(401);
  });
});

describe("the callback's address behind another proxy", () => {
  const forwarded = {
    "x-forwarded-host": "app.example:8443, inner",
    "x-forwarded-proto": "https",
    "x-own-host": "own.example",
  };

  async function redirectUri(forwardProxy: Parameters<typeof frontendSettings>[0], headers: Record<string, string>) {
    const url = await openGate(around, frontendSettings(forwardProxy));
    const response = await new Browser().request(`${url}/.auth/login/aad`, { headers });
    const uri = new URL(response.headers.get("location") ?? "").searchParams.get("redirect_uri") ?? "";
    return uri.replace(url, "own").replace("/.auth/login/aad/callback", "");
  }

  test.each([
    ["forwardProxy not set", undefined, forwarded, "own"],
    ["NoProxy", { convention: "NoProxy" }, forwarded, "own"],
    ["Standard", { convention: "Standard" }, forwarded, "https://app.example:8443"],
    ["Standard but without the headers", { convention: "Standard" }, {}, "own"],
    ["Standard and an invalid host", { convention: "Standard" }, { "x-forwarded-host": "a/b@c" }, "own"],
    [
      "Standard and an invalid scheme",
      { convention: "Standard" },
      { ...forwarded, "x-forwarded-proto": "javascript" },
      "own",
    ],
    ["Custom", { convention: "Custom", customHostHeaderName: "X-Own-Host" }, forwarded, "https://own.example"],
  ] as const)("with %s is at $3", async (_, forwardProxy, headers, site) => {
    const changes = forwardProxy === undefined ? {} : { httpSettings: { forwardProxy } };
    expect(await redirectUri(changes, headers)).toBe(site);
  });
});

describe("a browser without a session", () => {
  test("at 127.0.0.1 is sent to localhost first, where its session will be", async () => {
    const url = await openGate(around, frontendSettings());
    const response = await new Browser().request(`${url.replace("localhost", "127.0.0.1")}/a?b=1`);
    expect([response.status, response.headers.get("location")]).toEqual([302, `${url}/a?b=1`]);
  });

  test("behind another proxy is sent to sign in at once, and returns through it", async () => {
    const httpSettings = { forwardProxy: { convention: "Standard" as const } };
    const url = await openGate(around, frontendSettings({ httpSettings }));
    const headers = { "x-forwarded-host": "app.example", "x-forwarded-proto": "https" };
    const response = await new Browser().request(`${url}/a`, { headers });
    const location = new URL(response.headers.get("location") ?? "");
    expect(location.origin).toBe(around.entra.url);
    expect(location.searchParams.get("redirect_uri")).toBe("https://app.example/.auth/login/aad/callback");
  });
});

describe("a gate whose client secret is missing", () => {
  test("does not start, and names the setting", async () => {
    await expect(openGate(around, frontendSettings(), { appSettings: {} })).rejects.toThrow("no app setting SECRET");
  });
});
