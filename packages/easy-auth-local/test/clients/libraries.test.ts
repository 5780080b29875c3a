import http from "node:http";
import { ClientSecretCredential, DeviceCodeCredential, OnBehalfOfCredential } from "@azure/identity";
import { ConfidentialClientApplication, PublicClientApplication } from "@azure/msal-node";
import express from "express";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { JwksClient } from "jwks-rsa";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { answerPage, formIn, openPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "../../src/directory/directory.ts";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { API_SCOPE, DAEMON, ISSUER, NATIVE, surroundings, WEB } from "./fixture.ts";

const around = surroundings();
const CALLBACK = "http://localhost:3000/signed-in";
const DOCUMENT = () => new URL(`${around.entra.url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`);
const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";

/** The test's own wait until a device's user has typed the code. */
async function enterCode(verificationUri: string, userCode: string): Promise<void> {
  const { html } = await openPage(verificationUri);
  const url = new URL(formIn(html).action, verificationUri).href;
  const picker = await openPage(url, { method: "POST", body: new URLSearchParams({ otc: userCode }) });
  await answerPage(picker, { account: "works" });
}

// https://github.com/panva/openid-client/blob/main/src/index.ts: a document's whole address is not compared with its issuer
test("openid-client signs in, reads UserInfo, which has the ID token's subject, and refreshes", async () => {
  const [secret] = WEB.clientSecrets;
  const insecure = { execute: [openid.allowInsecureRequests] };
  const configuration = await openid.discovery(DOCUMENT(), WEB.clientId, secret, undefined, insecure);
  const pkceCodeVerifier = openid.randomPKCECodeVerifier();
  const url = openid.buildAuthorizationUrl(configuration, {
    ...{ redirect_uri: CALLBACK, scope: "openid profile email offline_access User.Read", max_age: "600" },
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const { location } = await pickAccount(url.href, "works");
  const checks = { pkceCodeVerifier, maxAge: 600, idTokenExpected: true };
  const tokens = await openid.authorizationCodeGrant(configuration, new URL(location), checks);
  const { sub = "" } = tokens.claims() ?? {};
  const user = await openid.fetchUserInfo(configuration, tokens.access_token, sub);
  expect(user).toMatchObject({ sub, name: "Adele Vance" });
  expect((await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? "")).access_token).toMatch(/^eyJ/);
});

test("oauth4webapi finds Entra's issuer in the document, and gets a token for an app", async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const response = await fetch(DOCUMENT());
  const server = await oauth.processDiscoveryResponse(new URL(ISSUER), response);
  const client = { client_id: DAEMON.clientId };
  const authentication = oauth.ClientSecretPost(DAEMON.clientSecrets[0]);
  const parameters = { scope: GRAPH_DEFAULT };
  const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, insecure);
  const { access_token } = await oauth.processClientCredentialsResponse(server, client, answer);
  expect(decodeJwt(access_token)).toMatchObject({ idtyp: "app", roles: ["User.Read.All"] });
});

test("express-openid-connect signs a user in to an Express app, and out", async () => {
  const { auth, requiresAuth } = await import("express-openid-connect");
  const app = express();
  const server = http.createServer(app);
  const { url, close } = await listenOnLoopback(server, 0);
  onTestFinished(close);
  app.use(
    auth({
      ...{ issuerBaseURL: DOCUMENT().href, baseURL: url, clientID: WEB.clientId, clientSecret: WEB.clientSecrets[0] },
      ...{ secret: "a-secret-of-this-test-that-is-long-enough", authRequired: false, idpLogout: true },
      routes: { callback: "/callback" },
      authorizationParams: { response_type: "code", response_mode: "query", scope: "openid profile email" },
    }),
  );
  app.get("/me", requiresAuth(), (request, response) => void response.json(request.oidc.user));
  const browser = new Browser(url);
  const { response } = await browser.signIn("/me", "works");
  expect(await response.json()).toMatchObject({ name: "Adele Vance", email: "adele.vance@contoso.example" });
  const out = await browser.request("/logout");
  expect(out.headers.get("location")).toContain(`${around.entra.url}/${TENANT_ID}/oauth2/v2.0/logout`);
});

// jwks-rsa asks with node:http, which no dispatcher routes: the document on this machine names an address for it.
test("jwks-rsa finds the key of a token, before and after a rotation", async () => {
  const { jwks_uri } = (await (await fetch(DOCUMENT())).json()) as { jwks_uri: string };
  const client = new JwksClient({ jwksUri: jwks_uri, cache: false });
  const request = { account: around.account("works"), audience: API, scope: "user_impersonation" };
  for (const _ of ["before", "after"]) {
    const { kid } = decodeProtectedHeader(await around.issuer.apiToken(request));
    expect((await client.getSigningKey(kid)).getPublicKey()).toContain("BEGIN PUBLIC KEY");
    await around.keys.rotate();
  }
});

describe("@azure/msal-node", () => {
  const authority = `${AUTHORITY_ORIGIN}/${TENANT_ID}`;

  test("acts on behalf of a user, and for itself", async () => {
    const ofApi = new ConfidentialClientApplication({
      auth: { clientId: API.clientId, clientSecret: API.clientSecrets[0], authority },
    });
    const request = { account: around.account("works"), audience: API, scope: "user_impersonation" };
    const oboAssertion = await around.issuer.apiToken(request);
    const user = await ofApi.acquireTokenOnBehalfOf({ oboAssertion, scopes: ["user.read"] });
    expect([user?.scopes, decodeJwt(user?.accessToken ?? "").scp]).toEqual([
      expect.arrayContaining(["User.Read"]),
      "User.Read openid profile email",
    ]);
    const again = await ofApi.acquireTokenOnBehalfOf({ oboAssertion, scopes: ["user.read"] });
    expect(again?.fromCache, "found, though it was spelled otherwise").toBe(true);

    const ofDaemon = new ConfidentialClientApplication({
      auth: { clientId: DAEMON.clientId, clientSecret: DAEMON.clientSecrets[0], authority },
    });
    const itself = await ofDaemon.acquireTokenByClientCredential({ scopes: [GRAPH_DEFAULT] });
    expect(decodeJwt(itself?.accessToken ?? "").idtyp).toBe("app");
  });

  test("signs a user in with a device code, and refreshes silently", async () => {
    const client = new PublicClientApplication({ auth: { clientId: NATIVE.clientId, authority } });
    const answer = await client.acquireTokenByDeviceCode({
      scopes: [API_SCOPE],
      deviceCodeCallback: ({ verificationUri, userCode }) => void enterCode(verificationUri, userCode),
    });
    expect(answer?.account?.username).toBe("adele.vance@contoso.example");
    if (!answer?.account) throw new Error("MSAL has no account.");
    const silent = await client.acquireTokenSilent({
      account: answer.account,
      scopes: [API_SCOPE],
      forceRefresh: true,
    });
    expect(decodeJwt(silent.accessToken).aud).toBe(API.clientId);
  });

  test("signs a user in with the browser of a device", async () => {
    const client = new PublicClientApplication({ auth: { clientId: NATIVE.clientId, authority } });
    const answer = await client.acquireTokenInteractive({
      scopes: ["User.Read"],
      openBrowser: async (url) => {
        const { action, fields } = (await pickAccount(around.onLoopback(url), "works")).form();
        await fetch(action, { method: "POST", body: fields });
      },
    });
    expect(answer.account?.localAccountId).toBe(around.account("works").objectId);
  });
});

// Azure.Identity refuses http: it asks the https address, with instance discovery there switched off or not.
describe("@azure/identity", () => {
  const options = () => ({
    authorityHost: around.entra.https?.url ?? "",
    disableInstanceDiscovery: true,
    tlsOptions: { ca: around.entra.https?.certificate ?? "" },
    retryOptions: { maxRetries: 0 },
  });

  test("gets tokens for an app, on behalf of a user, and with a device code", async () => {
    const [secret] = DAEMON.clientSecrets;
    const daemon = new ClientSecretCredential(TENANT_ID, DAEMON.clientId, secret, options());
    expect(decodeJwt((await daemon.getToken(GRAPH_DEFAULT)).token).roles).toEqual(["User.Read.All"]);

    const request = { account: around.account("works"), audience: API, scope: "user_impersonation" };
    const userAssertionToken = await around.issuer.apiToken(request);
    const [clientSecret] = API.clientSecrets;
    const user = { tenantId: TENANT_ID, clientId: API.clientId, clientSecret, userAssertionToken };
    const onBehalfOf = new OnBehalfOfCredential({ ...user, ...options() });
    expect(decodeJwt((await onBehalfOf.getToken(GRAPH_DEFAULT)).token).appid).toBe(API.clientId);

    const device = new DeviceCodeCredential({
      ...{ tenantId: TENANT_ID, clientId: NATIVE.clientId, ...options() },
      userPromptCallback: ({ verificationUri, userCode }) => void enterCode(verificationUri, userCode),
    });
    expect(decodeJwt((await device.getToken("https://graph.microsoft.com/User.Read")).token).appid).toBe(
      NATIVE.clientId,
    );
  });
});
