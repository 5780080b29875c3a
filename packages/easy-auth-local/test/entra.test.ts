import { createHash, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { sendRaw } from "../../../test/support/raw-http.ts";
import { strangersKeys } from "../../../test/support/strangers.ts";
import { controlRoutes } from "../src/control/control-routes.ts";
import { API, createDirectory, FRONTEND, type Registration, TENANT_ID } from "../src/directory/directory.ts";
import { createSigningKeys } from "../src/entra/keys.ts";
import { startEntra } from "../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../src/entra/tokens.ts";
import { Faults } from "../src/faults/faults.ts";
import type { LoopbackServer } from "../src/http/loopback-server.ts";

const CALLBACK = "http://localhost/.auth/login/aad/callback";
const ON_BEHALF_OF = {
  grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
  requested_token_use: "on_behalf_of",
  scope: "https://graph.microsoft.com/.default",
};
const directory = createDirectory();
let issuer: TokenIssuer;
let entra: LoopbackServer;
beforeAll(async () => {
  issuer = createTokenIssuer(await createSigningKeys(inject("stateFolder")));
  entra = await startEntra({
    directory,
    issuer,
    moreRoutes: controlRoutes({ directory, issuer, faults: new Faults(directory) }),
  });
});
afterAll(() => entra.close());

const account = (key: string) => accountOf(directory, key);

interface TokenBody {
  readonly access_token?: string;
  readonly refresh_token?: string;
  readonly error?: string;
  readonly error_codes?: readonly number[];
  readonly [name: string]: unknown;
}

async function postToken(
  client: Registration,
  form: Record<string, string>,
): Promise<{ status: number; body: TokenBody }> {
  const body = new URLSearchParams({
    client_id: client.clientId,
    client_secret: client.clientSecrets?.[0] ?? "",
    ...form,
  });
  const response = await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
  return { status: response.status, body: (await response.json()) as TokenBody };
}

async function signInForCode(parameters: Record<string, string> = {}, key = "works"): Promise<string> {
  const query = new URLSearchParams({
    ...{ client_id: FRONTEND.clientId, redirect_uri: CALLBACK, response_type: "code", state: "s" },
    scope: `openid offline_access ${API.identifierUris[0]}/user_impersonation`,
    ...parameters,
  });
  const page = await (await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/authorize?${query}`)).text();
  const ticket = /name="ticket" value="([^"]+)"/.exec(page)?.[1] ?? "";
  const body = new URLSearchParams({ ticket, account: key });
  const answer = await fetch(`${entra.url}/${TENANT_ID}/emulator/sign-in`, {
    method: "POST",
    body,
    redirect: "manual",
  });
  const location = new URL(answer.headers.get("location") ?? "about:blank");
  expect(location.searchParams.get("state")).toBe("s");
  return location.searchParams.get("code") ?? "";
}

function claimsOf(token = ""): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

describe("authorize", () => {
  test.each<[string, Record<string, string>, string]>([
    ["an unknown app", { client_id: randomUUID() }, "AADSTS700016"],
    [
      "a redirect URI of another site",
      { redirect_uri: "https://evil.example/.auth/login/aad/callback" },
      "AADSTS50011",
    ],
    ["a redirect URI of another path", { redirect_uri: "http://localhost:4280/steal" }, "AADSTS50011"],
    [
      "a redirect URI of a look-alike host",
      { redirect_uri: "http://localhost.evil.example/.auth/login/aad/callback" },
      "AADSTS50011",
    ],
    ["another response type", { response_type: "token" }, "AADSTS70002"],
  ])("refuses %s on its own page, without a redirect", async (_, changes, expected) => {
    const query = new URLSearchParams({
      client_id: FRONTEND.clientId,
      redirect_uri: CALLBACK,
      response_type: "code",
      ...changes,
    });
    const response = await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/authorize?${query}`, { redirect: "manual" });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain(expected);
  });
});

describe("authorization_code", () => {
  test("gives the frontend a token for the API, an ID token and a refresh token", async () => {
    const code = await signInForCode({ nonce: "n-1" });
    const { status, body } = await postToken(FRONTEND, {
      grant_type: "authorization_code",
      code,
      redirect_uri: CALLBACK,
    });
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({
      aud: API.clientId,
      azp: FRONTEND.clientId,
      oid: account("works").objectId,
      scp: "user_impersonation",
      tid: TENANT_ID,
      ver: "2.0",
    });
    expect(claimsOf(body.id_token as string)).toMatchObject({ aud: FRONTEND.clientId, nonce: "n-1" });
  });

  test("accepts a code only once", async () => {
    const form = { grant_type: "authorization_code", code: await signInForCode(), redirect_uri: CALLBACK };
    expect((await postToken(FRONTEND, form)).status).toBe(200);
    expect((await postToken(FRONTEND, form)).body).toMatchObject({ error: "invalid_grant" });
  });

  test("refuses a code of another app", async () => {
    const form = { grant_type: "authorization_code", code: await signInForCode(), redirect_uri: CALLBACK };
    expect((await postToken(API, form)).body).toMatchObject({ error: "invalid_grant" });
  });

  test("checks the PKCE verifier", async () => {
    const verifier = "v".repeat(43);
    const code_challenge = createHash("sha256").update(verifier).digest("base64url");
    const form = async () => ({
      grant_type: "authorization_code",
      code: await signInForCode({ code_challenge, code_challenge_method: "S256" }),
      redirect_uri: CALLBACK,
    });
    expect((await postToken(FRONTEND, { ...(await form()), code_verifier: verifier })).status).toBe(200);
    expect((await postToken(FRONTEND, { ...(await form()), code_verifier: "w".repeat(43) })).status).toBe(400);
    expect((await postToken(FRONTEND, await form())).status).toBe(400);
  });

  test("without a scope of the API gives a token that is not for the API", async () => {
    const code = await signInForCode({ scope: "openid" });
    const { body } = await postToken(FRONTEND, { grant_type: "authorization_code", code, redirect_uri: CALLBACK });
    expect(claimsOf(body.access_token).aud).toBe("https://graph.microsoft.com");
    expect(body).not.toHaveProperty("refresh_token");
  });
});

describe("refresh_token", () => {
  test("gives new tokens and a new refresh token, and remains valid, as Entra's do", async () => {
    const code = await signInForCode();
    const first = await postToken(FRONTEND, { grant_type: "authorization_code", code, redirect_uri: CALLBACK });
    const form = { grant_type: "refresh_token", refresh_token: first.body.refresh_token ?? "" };
    const second = await postToken(FRONTEND, form);
    expect(claimsOf(second.body.access_token)).toMatchObject({ aud: API.clientId, oid: account("works").objectId });
    expect(second.body.refresh_token).not.toBe(first.body.refresh_token);
    expect((await postToken(FRONTEND, form)).status).toBe(200);
    expect((await postToken(API, form)).body).toMatchObject({ error: "invalid_grant", error_codes: [700082] });
  });
});

describe("on-behalf-of", () => {
  const request = (key = "works") => ({ account: account(key), audience: API, scope: "user_impersonation" });
  const past = Math.floor(Date.now() / 1000) - 7200;

  // Published answers of Entra have this form, such as "profile openid email https://graph.microsoft.com/User.Read …/.default".
  test("gives the API a Graph token of the user, and answers .default with the granted scopes and .default itself", async () => {
    const { body } = await postToken(API, { ...ON_BEHALF_OF, assertion: await issuer.apiToken(request()) });
    expect(body.scope).toBe(`https://graph.microsoft.com/User.Read ${ON_BEHALF_OF.scope}`);
    expect(claimsOf(body.access_token)).toMatchObject({ appid: API.clientId, oid: account("works").objectId });
  });

  test.each<[string, () => Promise<string>, Registration, number]>([
    ["garbage", async () => "a.b.c", API, 50013],
    ["a token of other keys", async () => createTokenIssuer(await strangersKeys()).apiToken(request()), API, 50013],
    ["an expired token", () => issuer.apiToken(request(), { exp: past }), API, 500133],
    ["a token for another app", () => issuer.apiToken(request()), FRONTEND, 500131],
    ["an ID token", () => issuer.idToken(account("works"), API), API, 240002],
    ["a Graph token", () => issuer.graphToken(account("works"), API, "User.Read"), API, 50013],
    ["a token of a user without consent", () => issuer.apiToken(request("no-consent")), API, 65001],
  ])("refuses %s as Entra does", async (_, assertion, client, number) => {
    const { status, body } = await postToken(client, { ...ON_BEHALF_OF, assertion: await assertion() });
    expect(status).toBe(400);
    expect(body.error_codes).toEqual([number]);
    expect(Object.keys(body)).toEqual(
      expect.arrayContaining(["error", "error_description", "timestamp", "trace_id", "correlation_id", "error_uri"]),
    );
    expect(body.error_description).toMatch(
      new RegExp(`^AADSTS${number}: .* Trace ID: .* Correlation ID: .* Timestamp: `),
    );
  });

  test.each<[string, string, number]>([
    ["a permission that nobody consented to", "https://graph.microsoft.com/Mail.Send", 65001],
    ["a permission by its short name that nobody consented to", "Mail.Send", 65001],
    [
      ".default together with a permission",
      "https://graph.microsoft.com/.default https://graph.microsoft.com/User.Read",
      70011,
    ],
    ["another service", "https://vault.azure.net/.default", 70011],
    ["nothing", "openid", 900144],
  ])("refuses to give %s", async (_, scope, number) => {
    const assertion = await issuer.apiToken(request());
    expect((await postToken(API, { ...ON_BEHALF_OF, scope, assertion })).body.error_codes).toEqual([number]);
  });

  test("gives an ID token and a refresh token when they are asked for, and only then", async () => {
    const assertion = await issuer.apiToken(request());
    const plain = await postToken(API, { ...ON_BEHALF_OF, assertion });
    expect(Object.keys(plain.body)).toEqual(["token_type", "scope", "expires_in", "ext_expires_in", "access_token"]);
    const { body } = await postToken(API, {
      ...ON_BEHALF_OF,
      scope: `${ON_BEHALF_OF.scope} openid offline_access`,
      assertion,
    });
    expect(body).toMatchObject({ id_token: expect.any(String), refresh_token: expect.any(String) });
    const again = await postToken(API, { grant_type: "refresh_token", refresh_token: body.refresh_token ?? "" });
    expect(claimsOf(again.body.access_token)).toMatchObject({
      aud: "https://graph.microsoft.com",
      oid: account("works").objectId,
    });
  });

  test("refuses without requested_token_use, without a secret, and at another tenant", async () => {
    const assertion = await issuer.apiToken(request());
    const form = { ...ON_BEHALF_OF, assertion };
    expect((await postToken(API, { ...form, requested_token_use: "" })).body.error_codes).toEqual([900144]);
    expect((await postToken(API, { ...form, client_secret: "" })).body.error_codes).toEqual([7000218]);
    const body = new URLSearchParams({ ...form, client_id: API.clientId, client_secret: API.clientSecrets[0] });
    const other = await fetch(`${entra.url}/${randomUUID()}/oauth2/v2.0/token`, { method: "POST", body });
    expect(await other.json()).toMatchObject({ error_codes: [90002] });
  });

  test("accepts the client's secret by Basic authentication, and refuses it if malformed", async () => {
    const body = new URLSearchParams({ ...ON_BEHALF_OF, assertion: await issuer.apiToken(request()) });
    const post = async (credentials: string) => {
      const headers = { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
      return (await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body, headers })).status;
    };
    expect(await post(`${API.clientId}:${encodeURIComponent(API.clientSecrets[0])}`)).toBe(200);
    expect(await post(`${API.clientId}:%zz`)).toBe(401);
    expect(await post("%zz:%zz")).toBe(400);
  });

  test("refuses a wrong client secret with 401", async () => {
    const assertion = await issuer.apiToken(request());
    const { status, body } = await postToken(API, { ...ON_BEHALF_OF, assertion, client_secret: "wrong" });
    expect([status, body.error, body.error_codes]).toEqual([401, "invalid_client", [7000215]]);
  });
});

describe("a request that no route can answer", () => {
  test.each<[string, number]>([
    ["//", 404],
    ["/%zz/discovery/v2.0/keys", 400],
    ["http://localhost/", 400],
    ["*", 400],
    ["/\\", 404],
    [`/${TENANT_ID}/oauth2/v2.0/token`, 404],
  ])("to %s is refused with %i", async (path, status) => {
    expect(await sendRaw(entra.url, path, ["Connection: close"])).toMatchObject({ status });
  });

  test("because its body is too large is refused with 413", async () => {
    const body = new URLSearchParams({ assertion: "x".repeat(300_000) });
    const response = await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
    expect(response.status).toBe(413);
  });
});

describe("the token for scripts", () => {
  test("is not given to a page of another origin", async () => {
    const response = await fetch(`${entra.url}/emulator/token?account=sparse`, {
      headers: { origin: "https://evil.example" },
    });
    expect(response.status).toBe(403);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
    expect(await response.text()).not.toContain("eyJ");
  });

  test("has the API as its audience", async () => {
    const response = await fetch(`${entra.url}/emulator/token?account=sparse`);
    const { access_token } = (await response.json()) as TokenBody;
    expect(claimsOf(access_token)).toMatchObject({ aud: API.clientId, oid: account("sparse").objectId });
  });

  test("is refused for an account that may not sign in", async () => {
    const response = await fetch(`${entra.url}/emulator/token?account=other-tenant`);
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ status: 403, detail: expect.stringContaining("AADSTS50020") });
  });

  test("for an unknown account is refused with a list of the accounts", async () => {
    const response = await fetch(`${entra.url}/emulator/token?account=nobody`);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ accounts: directory.accounts.map(({ key }) => key) });
  });
});
