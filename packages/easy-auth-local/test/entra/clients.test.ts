import { OnBehalfOfCredential } from "@azure/identity";
import { ConfidentialClientApplication, InteractionRequiredAuthError } from "@azure/msal-node";
import { decodeJwt } from "jose";
import * as openid from "openid-client";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import { answerPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { API, AUTHORITY_ORIGIN, createDirectory, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import { createSigningKeys } from "../../src/entra/keys.ts";
import { type EntraServer, startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import { createCertificate } from "../../src/http/certificate.ts";
import type { AnsweredRequest } from "../../src/http/router.ts";
import { routeMicrosoftOrigins } from "../../src/routing/microsoft-origins.ts";

const CALLBACK = "http://localhost:3000/.auth/login/aad/callback";
const ISSUER = `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`;
const API_SCOPE = `${API.identifierUris[0]}/user_impersonation`;
const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";

const directory = createDirectory();
const answered: AnsweredRequest[] = [];
let issuer: TokenIssuer;
let entra: EntraServer;
let unroute: () => Promise<void>;
beforeAll(async () => {
  issuer = createTokenIssuer(await createSigningKeys(inject("stateFolder")));
  entra = await startEntra({ directory, issuer, https: true, onAnswered: (one) => answered.push(one) });
  unroute = routeMicrosoftOrigins({ entra: entra.url, graph: "http://localhost:9" });
});
afterAll(() => Promise.all([entra.close(), unroute()]));

const account = (key: string) => accountOf(directory, key);

function assertionOf(key: string): Promise<string> {
  return issuer.apiToken({ account: account(key), audience: API, scope: "user_impersonation" });
}

/** As a browser that is sent to Entra by its own name, with the emulator there. */
function onLoopback(url: URL | string): string {
  return String(url)
    .replace(AUTHORITY_ORIGIN, entra.url)
    .replace(entra.https?.url ?? "", entra.url);
}

describe.each([
  // The document's whole address: openid-client does not compare it with the issuer then.
  ["by its document on this machine", () => `${entra.url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`],
  ["at Microsoft's address", () => ISSUER],
])("openid-client %s", (_, server) => {
  const redirectUri = CALLBACK;

  async function discover(): Promise<openid.Configuration> {
    const options = { execute: [openid.allowInsecureRequests] };
    return openid.discovery(new URL(server()), FRONTEND.clientId, FRONTEND.clientSecrets[0], undefined, options);
  }

  async function signIn(configuration: openid.Configuration, more: Record<string, string> = {}) {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [openid.randomState(), openid.randomNonce()];
    const url = openid.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
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
    const callback = await pickAccount(onLoopback(url), "works");
    const tokens = await openid.authorizationCodeGrant(configuration, new URL(callback.location), checks);
    expect(tokens.claims()).toMatchObject({ iss: ISSUER, oid: account("works").objectId });
    expect(decodeJwt(tokens.access_token)).toMatchObject({ aud: API.clientId, iss: ISSUER });

    const again = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    expect(again.access_token).not.toBe(tokens.access_token);
    expect(again.refresh_token).not.toBe(tokens.refresh_token);
  });

  test("signs in with code id_token and form_post, as Easy Auth does", async () => {
    const configuration = await discover();
    openid.useCodeIdTokenResponseType(configuration);
    const { url, checks } = await signIn(configuration, { response_mode: "form_post" });
    const page = await pickAccount(onLoopback(url), "works");
    const { action, fields } = page.form();
    expect(action).toBe(redirectUri);
    const request = new Request(redirectUri, { method: "POST", body: fields });
    const tokens = await openid.authorizationCodeGrant(configuration, request, checks);
    expect(tokens.claims()).toMatchObject({ oid: account("works").objectId });
  });

  test("is told that the user declined", async () => {
    const configuration = await discover();
    const { url, checks } = await signIn(configuration, { prompt: "consent" });
    const consent = await pickAccount(onLoopback(url), "works");
    const { location } = await answerPage(consent, { consent: "refuse" });
    await expect(openid.authorizationCodeGrant(configuration, new URL(location), checks)).rejects.toMatchObject({
      error: "access_denied",
    });
  });
});

describe("@azure/msal-node", () => {
  function client({ clientId, clientSecrets: [clientSecret] }: typeof API): ConfidentialClientApplication {
    return new ConfidentialClientApplication({
      auth: { clientId, clientSecret, authority: `${AUTHORITY_ORIGIN}/${TENANT_ID}`, clientCapabilities: ["cp1"] },
    });
  }

  test("signs in with a code, finds its token again, and refreshes it", async () => {
    const msal = client(FRONTEND);
    const request = { scopes: [API_SCOPE], redirectUri: CALLBACK };
    const { location } = await pickAccount(onLoopback(await msal.getAuthCodeUrl(request)), "works");
    const code = new URL(location).searchParams.get("code") ?? "";
    const first = await msal.acquireTokenByCode({ ...request, code });
    expect(first.account).toMatchObject({ localAccountId: account("works").objectId, tenantId: TENANT_ID });

    const known = first.account;
    if (!known) throw new Error("MSAL has no account.");
    const asked = answered.length;
    const cached = await msal.acquireTokenSilent({ account: known, scopes: [API_SCOPE] });
    expect([cached.fromCache, cached.accessToken, answered.length]).toEqual([true, first.accessToken, asked]);
    const refreshed = await msal.acquireTokenSilent({ account: known, scopes: [API_SCOPE], forceRefresh: true });
    expect(refreshed.accessToken).not.toBe(first.accessToken);
  });

  test.each([[GRAPH_DEFAULT], ["https://graph.microsoft.com/User.Read"]])(
    "exchanges a token on behalf of its user for %s, and finds it again",
    async (scope) => {
      const msal = client(API);
      const request = { oboAssertion: await assertionOf("works"), scopes: [scope] };
      const first = await msal.acquireTokenOnBehalfOf(request);
      expect(decodeJwt(first?.accessToken ?? "")).toMatchObject({
        aud: "https://graph.microsoft.com",
        xms_cc: ["cp1"],
      });
      const asked = answered.length;
      const second = await msal.acquireTokenOnBehalfOf(request);
      expect([second?.fromCache, second?.accessToken]).toEqual([true, first?.accessToken]);
      expect(answered.length, "Entra is not asked again").toBe(asked);
    },
  );

  test("takes a missing factor for a required interaction, with the claims to satisfy", async () => {
    const exchanging = client(API).acquireTokenOnBehalfOf({
      oboAssertion: await assertionOf("mfa-needed"),
      scopes: [GRAPH_DEFAULT],
    });
    await expect(exchanging).rejects.toBeInstanceOf(InteractionRequiredAuthError);
    await expect(exchanging).rejects.toMatchObject({ errorNo: 50076, claims: expect.stringContaining("polids") });
  });

  test("signs in again with those claims, and is given a token that can be exchanged", async () => {
    const claims = account("mfa-needed").exchangeRefusal?.claims ?? "";
    const frontend = client(FRONTEND);
    const request = { scopes: [API_SCOPE], redirectUri: CALLBACK, claims };
    const mfa = await pickAccount(onLoopback(await frontend.getAuthCodeUrl(request)), "mfa-needed");
    const { location } = await answerPage(mfa, { mfa: "done" });
    const code = new URL(location).searchParams.get("code") ?? "";
    const { accessToken } = await frontend.acquireTokenByCode({ scopes: [API_SCOPE], redirectUri: CALLBACK, code });
    expect(decodeJwt(accessToken)).toMatchObject({ acrs: ["p1"] });
    const result = await client(API).acquireTokenOnBehalfOf({ oboAssertion: accessToken, scopes: [GRAPH_DEFAULT] });
    expect(result?.accessToken).toMatch(/^eyJ/);
  });
});

describe("@azure/identity, over https with the certificate made at the start", () => {
  async function exchange(key: string, authorityHost = entra.https?.url ?? "", ca = entra.https?.certificate ?? "") {
    const userAssertionToken = await assertionOf(key);
    const {
      clientId,
      clientSecrets: [clientSecret],
    } = API;
    const options = {
      authorityHost,
      disableInstanceDiscovery: true,
      tlsOptions: { ca },
      retryOptions: { maxRetries: 0 },
    };
    const user = { tenantId: TENANT_ID, clientId, clientSecret, userAssertionToken };
    return new OnBehalfOfCredential({ ...user, ...options }).getToken(GRAPH_DEFAULT);
  }

  test("exchanges a token on behalf of its user", async () => {
    const { token } = await exchange("works");
    expect(decodeJwt(token)).toMatchObject({ aud: "https://graph.microsoft.com", oid: account("works").objectId });
  });

  test("says why Entra refused", async () => {
    await expect(exchange("no-consent")).rejects.toThrow(/AADSTS65001/);
  });

  test("trusts the certificate only when it is told to", async () => {
    const { cert } = await createCertificate();
    const asked = answered.length;
    await expect(exchange("works", entra.https?.url, cert)).rejects.toThrow("endpoints_resolution_error");
    expect(answered.length, "Entra is not reached").toBe(asked);
  });

  test("refuses http, which is why there is https", async () => {
    await expect(exchange("works", entra.url)).rejects.toThrow("must use the 'https' protocol");
  });
});
