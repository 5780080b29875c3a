import type { Configuration, PublicClientApplication } from "@azure/msal-browser";
import { API, AUTHORITY_ORIGIN, FRONTEND, TENANT_ID } from "easy-auth-local";
import type { LoopbackServer } from "easy-auth-local/parts";
import {
  createCertificate,
  createDirectory,
  createSigningKeys,
  createTokenIssuer,
  type EntraServer,
  type GraphServer,
  startEntra,
  startGraph,
} from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.ts";
import { newUser, pickAccount, signInWithClaims, stack, useBrowser } from "./fixture.ts";
import { serveMsalPage } from "./msal-page.ts";

/** Global of the page that `serveMsalPage` serves. */
declare const app: PublicClientApplication;
declare const answered: Promise<{ accessToken?: string; error?: string } | null>;

const API_SCOPE = `${API.identifierUris[0]}/user_impersonation`;
/** The frontend's registration, with a single-page app's redirect URI. */
const REGISTRATION = {
  ...FRONTEND,
  redirectUris: { ...FRONTEND.redirectUris, spa: ["http://localhost/redirect.html", "http://localhost/"] },
  delegatedPermissions: [...(FRONTEND.delegatedPermissions ?? []), "User.Read"],
};
const origins: string[] = [];

/** Opens the page with a configuration of MSAL. */
async function open(page: Page, origin: string, auth: Partial<Configuration["auth"]>): Promise<void> {
  const configuration = {
    auth: { clientId: FRONTEND.clientId, redirectUri: `${origin}/redirect.html`, clientCapabilities: ["CP1"], ...auth },
    cache: { cacheLocation: "sessionStorage" },
  };
  await page.goto(`${origin}/empty.html`);
  await page.evaluate((text) => localStorage.setItem("configuration", text), JSON.stringify(configuration));
  await page.goto(origin);
  expect(await page.evaluate(() => answered)).toBeNull();
}

/** Begins a sign-in by redirect, whose page is Entra's. */
async function goToSignIn(page: Page, scopes: string[]): Promise<void> {
  await page.evaluate((asked) => void app.loginRedirect({ scopes: asked }), scopes);
  await page.waitForSelector('button[name="account"]');
}

/** Begins a sign-in in a pop-up; resolves to the pop-up, and to the token once the user has signed in. */
async function openPopup(page: Page, request: { scopes: string[]; claims?: string }) {
  const opened = page.waitForEvent("popup");
  const token = page.evaluate(async (asked) => (await app.acquireTokenPopup(asked)).accessToken, request);
  return { popup: await opened, token };
}

/** Acquires a token without the user; resolves to it, or to the error's code. */
function silently(page: Page, request: { scopes: string[]; forceRefresh?: boolean; claims?: string }): Promise<string> {
  return page.evaluate(async (asked) => {
    const [account] = app.getAllAccounts();
    try {
      return account ? (await app.acquireTokenSilent({ ...asked, account })).accessToken : "no account";
    } catch (error) {
      return (error as { errorCode: string }).errorCode;
    }
  }, request);
}

describe("msal-browser in a page, with the whole stack, over http with Entra's document", () => {
  useBrowser({ registrations: { frontend: REGISTRATION }, cors: { allowedOrigins: origins } });
  let spa: LoopbackServer;
  let document: string;
  beforeAll(async () => {
    spa = await serveMsalPage();
    origins.push(spa.url);
    document = await (await fetch(`${stack.entraUrl}/${TENANT_ID}/v2.0/.well-known/openid-configuration`)).text();
  });
  afterAll(() => spa.close());

  const auth = () => ({ authority: `${AUTHORITY_ORIGIN}/${TENANT_ID}`, authorityMetadata: document });

  /** Resolves to the API's answer to the page with a token. */
  const callApi = (page: Page, token: string) =>
    page.evaluate(
      async ([url, bearer]) => {
        const response = await fetch(`${url}/api/profile`, { headers: { authorization: `Bearer ${bearer}` } });
        return { status: response.status, body: (await response.json()) as Record<string, string> };
      },
      [stack.apiUrl, token] as const,
    );

  test("signs in by redirect, is served by the API, refreshes silently, also in a frame, and signs out", async () => {
    // Chromium warns about MSAL's own frame.
    const page = await newUser({ complaints: /escape its sandboxing/ });
    await open(page, spa.url, auth());
    await goToSignIn(page, [API_SCOPE]);
    await pickAccount(page, "works");
    await page.waitForURL(`${spa.url}/`);
    const { accessToken = "" } = (await page.evaluate(() => answered)) ?? {};
    expect(decodeJwt(accessToken)).toMatchObject({ aud: API.clientId, azp: FRONTEND.clientId });
    expect(await callApi(page, accessToken)).toMatchObject({ status: 200, body: { displayName: "Adele Vance" } });

    expect(await silently(page, { scopes: [API_SCOPE] }), "kept").toBe(accessToken);
    const refreshed = await silently(page, { scopes: [API_SCOPE], forceRefresh: true });
    expect(decodeJwt(refreshed).uti, "another").not.toBe(decodeJwt(accessToken).uti);

    const inFrame = await page.evaluate(
      async (scope) => (await app.ssoSilent({ scopes: [scope], loginHint: "adele.vance@contoso.example" })).accessToken,
      API_SCOPE,
    );
    expect(decodeJwt(inFrame)).toMatchObject({ aud: API.clientId });

    await page.evaluate(() => void app.logoutRedirect({ postLogoutRedirectUri: `${location.origin}/empty.html` }));
    await page.waitForURL(/\/empty\.html/);
    await page.goto(spa.url);
    expect(await page.evaluate(() => app.getAllAccounts().length)).toBe(0);
  });

  test("answers a claims challenge of the API, with a sign-in in a window of its own", async () => {
    const page = await newUser({ failures: ["401 /api/profile", `400 /${TENANT_ID}/oauth2/v2.0/token`] });
    await open(page, spa.url, auth());
    const first = await openPopup(page, { scopes: [API_SCOPE] });
    await pickAccount(first.popup, "mfa-needed");
    const { status, body } = await callApi(page, await first.token);
    expect([status, body.code]).toEqual([401, "claims_challenge"]);

    const request = { scopes: [API_SCOPE], claims: body.claims ?? "" };
    expect(await silently(page, request)).toBe("interaction_required");
    const second = await openPopup(page, request);
    await signInWithClaims(second.popup, "mfa-needed");
    expect((await callApi(page, await second.token)).status).toBe(200);
  });
});

describe("msal-browser in a page, with Entra and Graph alone, over https with their certificate", () => {
  let browser: Browser;
  let spa: LoopbackServer;
  let entra: EntraServer;
  let graph: GraphServer;
  beforeAll(async () => {
    const [keys, certificate] = await Promise.all([createSigningKeys(), createCertificate()]);
    const directory = createDirectory({ registrations: [API, REGISTRATION] });
    entra = await startEntra({ directory, issuer: createTokenIssuer(keys), https: certificate });
    graph = await startGraph({ directory, keys, certificate });
    [spa, browser] = await Promise.all([serveMsalPage(), launchChromium([certificate.cert])]);
  });
  afterAll(() => Promise.all([browser.close(), spa.close(), entra.close(), graph.close()]));

  test("signs in in a window, reads Graph, and refreshes silently", async () => {
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const authority = `${entra.https?.url}/${TENANT_ID}`;
    await open(page, spa.url, { authority, knownAuthorities: [new URL(authority).host] });
    const { popup, token } = await openPopup(page, { scopes: ["user.read"] });
    await pickAccount(popup, "works");
    const me = await page.evaluate(
      async ([url, bearer]) =>
        (await fetch(`${url}/v1.0/me`, { headers: { authorization: `Bearer ${bearer}` } })).json(),
      [graph.https?.url, await token] as const,
    );
    expect(me).toMatchObject({ displayName: "Adele Vance" });
    const refreshed = await silently(page, { scopes: ["user.read"], forceRefresh: true });
    expect(decodeJwt(refreshed)).toMatchObject({ scp: "User.Read openid profile email" });
  });
});
