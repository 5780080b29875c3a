import { ClientSecretCredential, DeviceCodeCredential, OnBehalfOfCredential } from "@azure/identity";
import { ConfidentialClientApplication, InteractionRequiredAuthError, PublicClientApplication } from "@azure/msal-node";
import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { answerPage, formIn, openPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { API, AUTHORITY_ORIGIN, FRONTEND, TENANT_ID } from "../../src/directory/directory.ts";
import { createCertificate } from "../../src/http/certificate.ts";
import { API_SCOPE, DAEMON, NATIVE, surroundings } from "./fixture.ts";

const around = surroundings([FRONTEND]);
const CALLBACK = "http://localhost:3000/.auth/login/aad/callback";
const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";

function assertionOf(key: string): Promise<string> {
  return around.issuer.apiToken({ account: around.account(key), audience: API, scope: "user_impersonation" });
}

/** Types a device's code, as its user does. */
async function enterCode(verificationUri: string, userCode: string): Promise<void> {
  const { html } = await openPage(verificationUri);
  const url = new URL(formIn(html).action, verificationUri).href;
  const picker = await openPage(url, { method: "POST", body: new URLSearchParams({ otc: userCode }) });
  await answerPage(picker, { account: "works" });
}

describe("@azure/msal-node", () => {
  const authority = `${AUTHORITY_ORIGIN}/${TENANT_ID}`;
  const device = () => new PublicClientApplication({ auth: { clientId: NATIVE.clientId, authority } });

  function client({ clientId, clientSecrets: [clientSecret] }: typeof API | typeof DAEMON) {
    return new ConfidentialClientApplication({
      auth: { clientId, clientSecret, authority, clientCapabilities: ["cp1"] },
    });
  }

  test("signs in with a code, finds its token again, and refreshes it", async () => {
    const msal = client(FRONTEND);
    const request = { scopes: [API_SCOPE], redirectUri: CALLBACK };
    const { location } = await pickAccount(around.onLoopback(await msal.getAuthCodeUrl(request)), "works");
    const code = new URL(location).searchParams.get("code") ?? "";
    const first = await msal.acquireTokenByCode({ ...request, code });
    expect(first.account).toMatchObject({ localAccountId: around.account("works").objectId, tenantId: TENANT_ID });

    const known = first.account;
    if (!known) throw new Error("MSAL has no account.");
    const asked = around.answered.length;
    const cached = await msal.acquireTokenSilent({ account: known, scopes: [API_SCOPE] });
    expect([cached.fromCache, cached.accessToken]).toEqual([true, first.accessToken]);
    expect(around.answered.length, "Entra is not asked again").toBe(asked);
    const refreshed = await msal.acquireTokenSilent({ account: known, scopes: [API_SCOPE], forceRefresh: true });
    expect(refreshed.accessToken).not.toBe(first.accessToken);
  });

  test.each([[GRAPH_DEFAULT], ["https://graph.microsoft.com/User.Read"], ["user.read"]])(
    "exchanges a token on behalf of its user for %s, and finds it again",
    async (scope) => {
      const msal = client(API);
      const request = { oboAssertion: await assertionOf("works"), scopes: [scope] };
      const first = await msal.acquireTokenOnBehalfOf(request);
      expect(decodeJwt(first?.accessToken ?? "")).toMatchObject({
        aud: "https://graph.microsoft.com",
        scp: expect.stringContaining("User.Read"),
        xms_cc: ["cp1"],
      });
      const asked = around.answered.length;
      const second = await msal.acquireTokenOnBehalfOf(request);
      expect([second?.fromCache, second?.accessToken]).toEqual([true, first?.accessToken]);
      expect(around.answered.length, "Entra is not asked again").toBe(asked);
    },
  );

  test("reports a missing factor as interaction required, with the claims to satisfy", async () => {
    const request = { oboAssertion: await assertionOf("mfa-needed"), scopes: [GRAPH_DEFAULT] };
    const exchanging = client(API).acquireTokenOnBehalfOf(request);
    await expect(exchanging).rejects.toBeInstanceOf(InteractionRequiredAuthError);
    await expect(exchanging).rejects.toMatchObject({ errorNo: 50076, claims: expect.stringContaining("polids") });
  });

  test("signs in again with those claims, and is given a token that can be exchanged", async () => {
    const claims = around.account("mfa-needed").exchangeRefusal?.claims ?? "";
    const frontend = client(FRONTEND);
    const request = { scopes: [API_SCOPE], redirectUri: CALLBACK, claims };
    const mfa = await pickAccount(around.onLoopback(await frontend.getAuthCodeUrl(request)), "mfa-needed");
    const { location } = await answerPage(mfa, { mfa: "done" });
    const code = new URL(location).searchParams.get("code") ?? "";
    const { accessToken } = await frontend.acquireTokenByCode({ scopes: [API_SCOPE], redirectUri: CALLBACK, code });
    expect(decodeJwt(accessToken)).toMatchObject({ acrs: ["p1"] });
    const result = await client(API).acquireTokenOnBehalfOf({ oboAssertion: accessToken, scopes: [GRAPH_DEFAULT] });
    expect(result?.accessToken).toMatch(/^eyJ/);
  });

  test("gets a token for an app itself", async () => {
    const token = await client(DAEMON).acquireTokenByClientCredential({ scopes: [GRAPH_DEFAULT] });
    expect(decodeJwt(token?.accessToken ?? "").idtyp).toBe("app");
  });

  test("signs a user in with a device code, and refreshes silently", async () => {
    const msal = device();
    const answer = await msal.acquireTokenByDeviceCode({
      scopes: [API_SCOPE],
      deviceCodeCallback: ({ verificationUri, userCode }) => void enterCode(verificationUri, userCode),
    });
    expect(answer?.account?.username).toBe("adele.vance@contoso.example");
    if (!answer?.account) throw new Error("MSAL has no account.");
    const request = { account: answer.account, scopes: [API_SCOPE], forceRefresh: true };
    expect(decodeJwt((await msal.acquireTokenSilent(request)).accessToken).aud).toBe(API.clientId);
  });

  test("signs a user in with the browser of a device", async () => {
    const answer = await device().acquireTokenInteractive({
      scopes: ["User.Read"],
      openBrowser: async (url) => {
        const { action, fields } = (await pickAccount(around.onLoopback(url), "works")).form();
        await fetch(action, { method: "POST", body: fields });
      },
    });
    expect(answer.account?.localAccountId).toBe(around.account("works").objectId);
  });
});

// Azure.Identity refuses http: it asks the https address.
describe("@azure/identity, over https with the stack's certificate", () => {
  const options = () => ({
    authorityHost: around.entra.https?.url ?? "",
    disableInstanceDiscovery: true,
    tlsOptions: { ca: around.entra.https?.certificate ?? "" },
    retryOptions: { maxRetries: 0 },
  });
  const [clientSecret] = API.clientSecrets;

  async function exchange(key: string, changes: Partial<ReturnType<typeof options>> = {}) {
    const user = { tenantId: TENANT_ID, clientId: API.clientId, clientSecret };
    const credential = { ...user, userAssertionToken: await assertionOf(key), ...options(), ...changes };
    return new OnBehalfOfCredential(credential).getToken(GRAPH_DEFAULT);
  }

  test("gets a token for an app itself", async () => {
    const credential = new ClientSecretCredential(TENANT_ID, DAEMON.clientId, DAEMON.clientSecrets[0], options());
    expect(decodeJwt((await credential.getToken(GRAPH_DEFAULT)).token).roles).toEqual(["User.Read.All"]);
  });

  test("exchanges a token on behalf of its user", async () => {
    const { objectId: oid } = around.account("works");
    const expected = { aud: "https://graph.microsoft.com", appid: API.clientId, oid };
    expect(decodeJwt((await exchange("works")).token)).toMatchObject(expected);
  });

  test("signs a user in with a device code", async () => {
    const credential = new DeviceCodeCredential({
      ...{ tenantId: TENANT_ID, clientId: NATIVE.clientId, ...options() },
      userPromptCallback: ({ verificationUri, userCode }) => void enterCode(verificationUri, userCode),
    });
    const { token } = await credential.getToken("https://graph.microsoft.com/User.Read");
    expect(decodeJwt(token).appid).toBe(NATIVE.clientId);
  });

  test("says why Entra refused", async () => {
    await expect(exchange("no-consent")).rejects.toThrow(/AADSTS65001/);
  });

  test("trusts the certificate only if it is configured to", async () => {
    const { cert: ca } = await createCertificate();
    const asked = around.answered.length;
    await expect(exchange("works", { tlsOptions: { ca } })).rejects.toThrow("endpoints_resolution_error");
    expect(around.answered.length, "Entra is not reached").toBe(asked);
  });

  test("refuses http, so the stack offers https", async () => {
    const refused = exchange("works", { authorityHost: around.entra.url });
    await expect(refused).rejects.toThrow("must use the 'https' protocol");
  });
});
