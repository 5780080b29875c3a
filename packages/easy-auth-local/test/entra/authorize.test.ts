import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import { answerPage, formIn, openPage, pickAccount, type SignInStep } from "../../../../test/support/entra-pages.ts";
import { ACCOUNTS } from "../../src/directory/accounts.ts";
import { API, createDirectory, FRONTEND, OTHER_TENANT_ID, TENANT_ID } from "../../src/directory/directory.ts";
import { createSigningKeys } from "../../src/entra/keys.ts";
import { startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer } from "../../src/entra/tokens.ts";
import { escapeHtml } from "../../src/http/html-page.ts";
import type { LoopbackServer } from "../../src/http/loopback-server.ts";
import { Browser } from "../../src/test-kit/browser.ts";

const CALLBACK = "http://localhost:4280/.auth/login/aad/callback";
const API_URI = API.identifierUris[0];

const directory = createDirectory();
let entra: LoopbackServer;
beforeAll(async () => {
  entra = await startEntra({ directory, issuer: createTokenIssuer(await createSigningKeys(inject("stateFolder"))) });
});
afterAll(() => entra.close());

const account = (key: string) => accountOf(directory, key);

function authorizeUrl(parameters: Record<string, string> = {}, tenant = TENANT_ID): string {
  const query = new URLSearchParams({
    ...{ client_id: FRONTEND.clientId, redirect_uri: CALLBACK, response_type: "code", state: "s" },
    scope: `openid offline_access ${API_URI}/user_impersonation`,
    ...parameters,
  });
  return `${entra.url}/${tenant}/oauth2/v2.0/authorize?${query}`;
}

/** Returns the parameters that the app gets in the query of its redirect URI, or in the fragment. */
function toldTo({ location }: SignInStep, where: "search" | "hash" = "search"): Record<string, string> {
  expect(location.split(/[?#]/)[0]).toBe(CALLBACK);
  return Object.fromEntries(new URLSearchParams(new URL(location)[where].slice(1)));
}

async function post(path: string, form: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(`${entra.url}${path}`, { method: "POST", body: new URLSearchParams(form) });
  return (await response.json()) as Record<string, unknown>;
}

function redeem(code: string): Promise<Record<string, unknown>> {
  return post(`/${TENANT_ID}/oauth2/v2.0/token`, {
    ...{ client_id: FRONTEND.clientId, client_secret: FRONTEND.clientSecrets[0] },
    ...{ grant_type: "authorization_code", code, redirect_uri: CALLBACK },
  });
}

async function exchange(assertion: unknown): Promise<unknown> {
  const { error_codes } = await post(`/${TENANT_ID}/oauth2/v2.0/token`, {
    ...{ client_id: API.clientId, client_secret: API.clientSecrets[0], assertion: String(assertion) },
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ...{ requested_token_use: "on_behalf_of", scope: "https://graph.microsoft.com/.default" },
  });
  return error_codes;
}

describe("the account picker", () => {
  test("offers every account, and says what each shows and that it is an emulator", async () => {
    const { html } = await openPage(authorizeUrl());
    for (const { key, shows = "" } of directory.accounts) {
      expect(html).toContain(`value="${key}"`);
      expect(html).toContain(`<code>${key}</code>`);
      expect(html).toContain(escapeHtml(shows));
    }
    expect(html).toContain("Emulator of Microsoft Entra ID");
  });

  test.each<[string, Record<string, string>, number]>([
    ["only the hinted account", { login_hint: "adele.vance@contoso.example" }, 1],
    ["a guest by the sign-in name of their home tenant", { login_hint: "megan.bowen@fabrikam.example" }, 1],
    ["everyone for a hint that matches nobody", { login_hint: "nobody@contoso.example" }, ACCOUNTS.length],
    [
      "everyone if the app sends prompt=select_account",
      { login_hint: "adele.vance@contoso.example", prompt: "select_account" },
      ACCOUNTS.length,
    ],
  ])("offers %s", async (_, parameters, count) => {
    const { html } = await openPage(authorizeUrl(parameters));
    expect([...html.matchAll(/<button name="account"/g)]).toHaveLength(count);
  });

  test("loads nothing from elsewhere and runs no script", async () => {
    const response = await fetch(authorizeUrl());
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await response.text()).not.toContain("<script");
  });
});

describe("the answer", () => {
  test("goes into the query by default, with the state", async () => {
    const told = toldTo(await pickAccount(authorizeUrl(), "works"));
    expect(told).toMatchObject({ state: "s", code: expect.any(String), session_state: expect.any(String) });
  });

  test("goes into the fragment when asked to", async () => {
    const step = await pickAccount(authorizeUrl({ response_mode: "fragment" }), "works");
    expect(toldTo(step, "hash")).toMatchObject({ state: "s", code: expect.any(String) });
    expect(toldTo(step)).toEqual({});
  });

  test("goes into a self-submitting form when asked to, and no value breaks out of it", async () => {
    const state = `"><script>alert(1)</script>`;
    const step = await pickAccount(authorizeUrl({ response_mode: "form_post", state }), "works");
    const { action, fields } = step.form();
    expect([step.status, action, fields.get("state")]).toEqual([200, CALLBACK, state]);
    expect(step.html).not.toContain("<script>");
  });
});

describe("an ID token", () => {
  test("is not given without a nonce", async () => {
    const step = await openPage(authorizeUrl({ response_type: "code id_token" }));
    expect(toldTo(step, "hash")).toMatchObject({ error: "invalid_request" });
  });

  test("alone comes without a code, as Easy Auth requests it without a secret", async () => {
    const parameters = { response_type: "id_token", response_mode: "form_post", nonce: "n" };
    const { fields } = (await pickAccount(authorizeUrl(parameters), "works")).form();
    expect([...fields.keys()].sort()).toEqual(["id_token", "session_state", "state"]);
    const claims = decodeJwt(fields.get("id_token") ?? "");
    expect(claims).toMatchObject({ nonce: "n", oid: account("works").objectId });
    expect(claims).not.toHaveProperty("c_hash");
  });
});

describe("a refusal that the app is told", () => {
  test.each<[string, Record<string, string>, string, string]>([
    ["a silent sign-in of nobody", { prompt: "none" }, "login_required", "AADSTS50058"],
    ["claims that are not JSON", { claims: "{" }, "invalid_request", "AADSTS90023"],
    [
      "a plain code challenge",
      { code_challenge: "c", code_challenge_method: "plain" },
      "invalid_request",
      "AADSTS50148",
    ],
    ["an unknown API", { scope: "api://nobody/user_impersonation" }, "invalid_resource", "AADSTS500011"],
    ["an unknown scope of the API", { scope: `${API_URI}/nothing` }, "invalid_client", "AADSTS650053"],
    ["scopes of two resources", { scope: `${API_URI}/user_impersonation User.Read` }, "invalid_scope", "AADSTS28000"],
  ])("says why %s is refused", async (_, parameters, error, number) => {
    const told = toldTo(await openPage(authorizeUrl(parameters)));
    expect(told).toMatchObject({ error, state: "s", error_description: expect.stringContaining(number) });
  });
});

describe("a refusal that only the user is told", () => {
  test.each<[string, Record<string, string>, string, string]>([
    [
      "a mode that would leave the ID token in logs",
      { response_type: "code id_token", response_mode: "query" },
      TENANT_ID,
      "AADSTS70007",
    ],
    ["a single-tenant app at organizations", {}, "organizations", "AADSTS50194"],
    ["a single-tenant app at another tenant", {}, OTHER_TENANT_ID, "AADSTS700016"],
  ])("says why %s is refused", async (_, parameters, tenant, number) => {
    const { status, location, html } = await openPage(authorizeUrl(parameters, tenant));
    expect([status, location]).toEqual([400, ""]);
    expect(html).toContain(number);
  });

  test("says that the tenant does not know the user", async () => {
    const { status, html } = await pickAccount(authorizeUrl(), "other-tenant");
    expect([status, html]).toEqual([400, expect.stringContaining("AADSTS50020")]);
  });

  test("lets the user pick another account on the same page", async () => {
    const refused = await pickAccount(authorizeUrl(), "other-tenant");
    expect(toldTo(await answerPage(refused, { account: "works" }))).toMatchObject({
      state: "s",
      code: expect.any(String),
    });
  });
});

describe("claims", () => {
  const claims = account("mfa-needed").exchangeRefusal?.claims ?? "";

  test("for a policy are satisfied on an extra page, and named in the token", async () => {
    const step = await pickAccount(authorizeUrl({ claims }), "mfa-needed");
    expect(step.html).toContain("one more step");
    const { code = "" } = toldTo(await answerPage(step, { mfa: "done" }));
    const { access_token } = await redeem(code);
    expect(decodeJwt(String(access_token)).acrs).toEqual(["p1"]);
    expect(await exchange(access_token)).toBeUndefined();
  });

  test("are not satisfied by a sign-in without them", async () => {
    const { code = "" } = toldTo(await pickAccount(authorizeUrl(), "mfa-needed"));
    const { access_token } = await redeem(code);
    expect(decodeJwt(String(access_token))).not.toHaveProperty("acrs");
    expect(await exchange(access_token)).toEqual([50076]);
  });

  test("for an authentication context put it into the token's acrs", async () => {
    const request = JSON.stringify({ access_token: { acrs: { essential: true, value: "c1" } } });
    const step = await pickAccount(authorizeUrl({ claims: request }), "works");
    const { code = "" } = toldTo(await answerPage(step, { mfa: "done" }));
    expect(decodeJwt(String((await redeem(code)).access_token)).acrs).toEqual(["c1"]);
  });
});

describe("a silent sign-in", () => {
  const silently = (parameters: Record<string, string> = {}) => authorizeUrl({ prompt: "none", ...parameters });

  /** Returns a browser whose user has signed in; no app listens at the redirect URI. */
  async function signedIn(key: string, parameters: Record<string, string> = {}): Promise<Browser> {
    const browser = new Browser();
    const { action, fields } = formIn(await (await browser.request(authorizeUrl(parameters))).text());
    fields.set("account", key);
    fields.set("mfa", "done");
    const response = await browser.request(entra.url + action, { method: "POST", body: fields });
    expect(response.status).toBe(302);
    return browser;
  }

  /** Returns the parameters that the app gets, without any page shown to the user. */
  async function told(browser: Browser, url: string): Promise<Record<string, string>> {
    const location = (await browser.request(url)).headers.get("location") ?? "";
    return Object.fromEntries(new URL(location).searchParams);
  }

  test("gives a code for the account that signed in last in this browser", async () => {
    const browser = await signedIn("sparse");
    const { code = "", state } = await told(browser, silently());
    expect(state).toBe("s");
    expect(decodeJwt(String((await redeem(code)).access_token)).oid).toBe(account("sparse").objectId);
    expect(await told(new Browser(), silently())).toMatchObject({ error: "login_required" });
  });

  test("is only for the hinted user", async () => {
    const browser = await signedIn("works");
    expect(await told(browser, silently({ login_hint: "adele.vance@contoso.example" }))).toHaveProperty("code");
    const other = await told(browser, silently({ login_hint: "alex.wilber@contoso.example" }));
    expect(other).toMatchObject({ error: "login_required" });
  });

  test("does not satisfy more than the user has proven", async () => {
    const claims = account("mfa-needed").exchangeRefusal?.claims ?? "";
    const refusal = { error: "interaction_required", error_description: expect.stringContaining("AADSTS50076") };
    expect(await told(await signedIn("mfa-needed"), silently({ claims }))).toMatchObject(refusal);
    expect(await told(await signedIn("mfa-needed", { claims }), silently({ claims }))).toHaveProperty("code");
  });

  test("does not ask for consent", async () => {
    const answer = await told(await signedIn("no-consent"), silently({ scope: `openid ${API_URI}/.default` }));
    expect(answer).toMatchObject({
      error: "interaction_required",
      error_description: expect.stringContaining("AADSTS65001"),
    });
  });

  test.each([
    ["Entra's logout", (browser: Browser) => browser.request(`${entra.url}/${TENANT_ID}/oauth2/v2.0/logout`)],
    ["a revocation", async () => directory.revocations.revoke(account("no-photo"))],
  ])("is no longer possible after %s", async (_, end) => {
    const browser = await signedIn("no-photo");
    expect(await told(browser, silently())).toHaveProperty("code");
    await end(browser);
    expect(await told(browser, silently())).toMatchObject({ error: "login_required" });
    directory.revocations.revoke(account("no-photo"), 0);
  });

  test("is no longer possible after the session's logout, whatever cookies are kept", async () => {
    const browser = await signedIn("works");
    const headers = { cookie: `ESTSAUTH=${browser.cookie("ESTSAUTH")}` };
    await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/logout`, { headers });
    expect(await told(browser, silently())).toMatchObject({ error: "login_required" });
  });

  test("makes the account picker list the browser's user first, and say why it is shown again", async () => {
    const browser = await signedIn("mfa-needed");
    const picker = async (parameters = {}) => (await browser.request(authorizeUrl(parameters))).text();
    const again = await picker();
    expect(again).toContain("Entra would go on without asking: continue as Isaiah Langer");
    expect(/<button name="account" value="([^"]+)"/.exec(again)?.[1]).toBe("mfa-needed");
    const { claims = "" } = account("mfa-needed").exchangeRefusal ?? {};
    expect(await picker({ claims })).toContain("The API asked for a stronger sign-in: continue as Isaiah Langer.");
    directory.revocations.revoke(account("mfa-needed"));
    expect(await picker()).toContain("The sessions of Isaiah Langer were revoked: sign in again.");
    directory.revocations.revoke(account("mfa-needed"), 0);
    expect((await openPage(authorizeUrl())).html).not.toContain('class="reason"');
  });

  test.each([{}, { prompt: "select_account" }, { prompt: "login" }])(
    "is only for those who ask for it: %j shows the account picker to a browser that is signed in",
    async (parameters) => {
      const browser = await signedIn("works");
      expect(await (await browser.request(authorizeUrl(parameters))).text()).toContain("Pick an account");
    },
  );
});

describe("consent", () => {
  const combined = { scope: `openid ${API_URI}/.default` };

  test("is asked for the API's permissions with its scope .default, and remembered", async () => {
    const step = await pickAccount(authorizeUrl(combined), "no-consent");
    expect(step.html).toContain("<code>User.Read</code>");
    const { code = "" } = toldTo(await answerPage(step, { consent: "accept" }));
    expect(await exchange((await redeem(code)).access_token)).toBeUndefined();
    toldTo(await pickAccount(authorizeUrl(combined), "no-consent"));

    directory.consents.withdraw();
    expect((await pickAccount(authorizeUrl(combined), "no-consent")).html).toContain("Permissions requested");
  });

  test("that the user declines is not granted", async () => {
    const told = toldTo(
      await answerPage(await pickAccount(authorizeUrl(combined), "no-consent"), { consent: "refuse" }),
    );
    expect(told).toMatchObject({ error: "access_denied", error_description: expect.stringContaining("AADSTS65004") });
    expect(told).not.toHaveProperty("code");
  });

  test("is not asked for again, unless the app sends prompt=consent", async () => {
    toldTo(await pickAccount(authorizeUrl(combined), "works"));
    const { html } = await pickAccount(authorizeUrl({ ...combined, prompt: "consent" }), "works");
    expect(html).toContain("Permissions requested");
  });

  test("to the frontend alone does not reach the API's permissions", async () => {
    const step = await pickAccount(authorizeUrl({ prompt: "consent" }), "no-consent");
    expect(step.html).not.toContain("User.Read");
    const { code = "" } = toldTo(await answerPage(step, { consent: "accept" }));
    expect(await exchange((await redeem(code)).access_token)).toEqual([65001]);
  });

  test("by one user is not another's", async () => {
    directory.consents.grant(API, { names: ["User.Read"] }, account("works"));
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(false);
    directory.consents.withdraw();
  });
});

describe("adminconsent", () => {
  const path = `/${TENANT_ID}/adminconsent?client_id=${API.clientId}`;
  const redirecting = `${path}&redirect_uri=${encodeURIComponent(CALLBACK)}&state=s`;

  test("sends the answer to the app's redirect URI if there is one", async () => {
    const page = await openPage(`${entra.url}${redirecting}`);
    expect(toldTo(await answerPage(page, { consent: "accept" }))).toEqual({
      admin_consent: "True",
      tenant: TENANT_ID,
      state: "s",
    });
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(true);
    directory.consents.withdraw();
  });

  test("that is refused grants nothing", async () => {
    const page = await openPage(`${entra.url}${redirecting}`);
    expect(toldTo(await answerPage(page, { consent: "refuse" }))).toMatchObject({ error: "access_denied" });
    await answerPage(await openPage(`${entra.url}${path}`), { consent: "refuse" });
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(false);
  });

  test("of version 2 covers the requested scopes", async () => {
    const scope = encodeURIComponent("https://graph.microsoft.com/Mail.Read");
    const url = `${entra.url}/${TENANT_ID}/v2.0/adminconsent?client_id=${API.clientId}&scope=${scope}`;
    await answerPage(await openPage(url), { consent: "accept" });
    expect(directory.consents.has(API, { names: ["Mail.Read"] }, account("works"))).toBe(true);
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(false);
    directory.consents.withdraw();
  });

  test.each([
    [`/${TENANT_ID}/adminconsent?client_id=nobody`, "AADSTS700016"],
    [`${path}&redirect_uri=https%3A%2F%2Fevil.example%2F`, "AADSTS50011"],
  ])("refuses %s on its own page", async (wrong, number) => {
    const { status, html } = await openPage(`${entra.url}${wrong}`);
    expect([status, html]).toEqual([400, expect.stringContaining(number)]);
  });

  test("cannot be granted by a page of another site", async () => {
    const headers = { origin: "https://evil.example" };
    const body = new URLSearchParams({ consent: "accept" });
    const response = await fetch(`${entra.url}${path}`, { method: "POST", headers, body });
    expect(response.status).toBe(403);
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(false);
  });
});
