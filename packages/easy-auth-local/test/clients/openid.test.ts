import http from "node:http";
import express from "express";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { JwksClient } from "jwks-rsa";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";
import { describe, expect, onTestFinished, test } from "vitest";
import { answerPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { API, TENANT_ID } from "../../src/directory/directory.ts";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { API_SCOPE, DAEMON, ISSUER, surroundings, WEB } from "./fixture.ts";

const around = surroundings();
const CALLBACK = "http://localhost:3000/signed-in";
const DOCUMENT = () => new URL(`${around.entra.url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`);

describe.each([
  // With the document's whole address, openid-client does not compare it with the issuer.
  ["by its document on this machine", () => `${around.entra.url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`],
  ["at Microsoft's address", () => ISSUER],
])("openid-client %s", (_, server) => {
  async function discover(): Promise<openid.Configuration> {
    const options = { execute: [openid.allowInsecureRequests] };
    return openid.discovery(new URL(server()), WEB.clientId, WEB.clientSecrets[0], undefined, options);
  }

  async function signIn(configuration: openid.Configuration, more: Record<string, string> = {}) {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: CALLBACK,
      scope: `openid profile offline_access ${API_SCOPE}`,
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      ...more,
    });
    return { url, checks: { expectedState, expectedNonce, pkceCodeVerifier, idTokenExpected: true } };
  }

  test("finds Entra's own issuer", async () => {
    expect((await discover()).serverMetadata().issuer).toBe(ISSUER);
  });

  test("signs in with code and PKCE, and refreshes", async () => {
    const configuration = await discover();
    const { url, checks } = await signIn(configuration);
    const callback = await pickAccount(around.onLoopback(url), "works");
    const tokens = await openid.authorizationCodeGrant(configuration, new URL(callback.location), checks);
    expect(tokens.claims()).toMatchObject({ iss: ISSUER, oid: around.account("works").objectId });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: API.clientId, iss: ISSUER });

    const again = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    expect(again.access_token).not.toBe(tokens.access_token);
    expect(again.refresh_token).not.toBe(tokens.refresh_token);
  });

  test("reads UserInfo with the ID token's subject, after a sign-in with max_age", async () => {
    const configuration = await discover();
    const { url, checks } = await signIn(configuration, { scope: "openid profile email User.Read", max_age: "600" });
    const { location } = await pickAccount(around.onLoopback(url), "works");
    const tokens = await openid.authorizationCodeGrant(configuration, new URL(location), { ...checks, maxAge: 600 });
    const { sub = "" } = tokens.claims() ?? {};
    const user = await openid.fetchUserInfo(configuration, tokens.access_token, sub);
    expect(user).toMatchObject({ sub, name: "Adele Vance" });
  });

  test("signs in with code id_token and form_post, as Easy Auth does", async () => {
    const configuration = await discover();
    openid.useCodeIdTokenResponseType(configuration);
    const { url, checks } = await signIn(configuration, { response_mode: "form_post" });
    const page = await pickAccount(around.onLoopback(url), "works");
    const { action, fields } = page.form();
    expect(action).toBe(CALLBACK);
    const request = new Request(CALLBACK, { method: "POST", body: fields });
    const tokens = await openid.authorizationCodeGrant(configuration, request, checks);
    expect(tokens.claims()).toMatchObject({ oid: around.account("works").objectId });
  });

  test("is told that the user declined", async () => {
    const configuration = await discover();
    const { url, checks } = await signIn(configuration, { prompt: "consent" });
    const consent = await pickAccount(around.onLoopback(url), "works");
    const { location } = await answerPage(consent, { consent: "refuse" });
    await expect(openid.authorizationCodeGrant(configuration, new URL(location), checks)).rejects.toMatchObject({
      error: "access_denied",
    });
  });
});

test("oauth4webapi finds Entra's issuer in the document, and gets a token for an app", async () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const response = await fetch(DOCUMENT());
  const server = await oauth.processDiscoveryResponse(new URL(ISSUER), response);
  const client = { client_id: DAEMON.clientId };
  const authentication = oauth.ClientSecretPost(DAEMON.clientSecrets[0]);
  const parameters = { scope: "https://graph.microsoft.com/.default" };
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

// jwks-rsa uses node:http, which no dispatcher routes, so it gets the key set's address from the document on this machine.
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
