import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { answerPage, formIn, openPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { API, OTHER_TENANT_ID, TENANT_ID } from "../../src/directory/directory.ts";
import { API_SCOPE, DAEMON, NATIVE, SPA, surroundings, WEB } from "../clients/fixture.ts";

const around = surroundings();

type Form = Readonly<Record<string, string>>;
type Answer = Readonly<Record<string, unknown>>;

const OF_WEB = { client_id: WEB.clientId, client_secret: WEB.clientSecrets[0] };
const WEB_CALLBACK = "http://localhost:3000/signed-in";
const SPA_CALLBACK = "http://localhost:5173/";
const PAGE = { origin: "http://localhost:5173" };
/** A verifier and its challenge: RFC 7636, appendix B. */
const VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE = { code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256" };

async function post(form: Form, headers: Form = {}, tenant = TENANT_ID): Promise<Answer> {
  const url = `${around.entra.url}/${tenant}/oauth2/v2.0/token`;
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form), headers });
  return (await response.json()) as Answer;
}

function authorizeUrl(query: Form, tenant = TENANT_ID): string {
  const parameters = new URLSearchParams({ response_type: "code", ...query });
  return `${around.entra.url}/${tenant}/oauth2/v2.0/authorize?${parameters}`;
}

async function codeOf(query: Form, key = "works"): Promise<string> {
  const { location, html } = await pickAccount(authorizeUrl(query), key);
  if (location === "") throw new Error(html.slice(-300));
  return new URL(location).searchParams.get("code") ?? "";
}

async function signInToWeb(scope: string, key = "works"): Promise<Answer> {
  const query = { client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope };
  const code = await codeOf(query, key);
  return post({ ...OF_WEB, grant_type: "authorization_code", code, redirect_uri: WEB_CALLBACK });
}

function refresh(answer: Answer, more: Form): Promise<Answer> {
  return post({ ...OF_WEB, grant_type: "refresh_token", refresh_token: String(answer.refresh_token), ...more });
}

describe("consent", () => {
  const refusal = { error: "invalid_grant", error_codes: [65001], suberror: "consent_required" };

  test("is checked when a refresh token is redeemed for more", async () => {
    const answer = await signInToWeb("openid offline_access User.Read");
    expect(await refresh(answer, { scope: "Mail.Read" })).toMatchObject(refusal);
    expect(await refresh(answer, { scope: API_SCOPE })).toMatchObject({ access_token: expect.any(String) });
  });

  test("is checked when a code is redeemed for more", async () => {
    const code = await codeOf({ client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope: "openid User.Read" });
    const form = { ...OF_WEB, grant_type: "authorization_code", code, redirect_uri: WEB_CALLBACK };
    expect(await post({ ...form, scope: "Mail.Read" })).toMatchObject(refusal);
  });

  test("that a user gives at the sign-in holds for what is redeemed after it", async () => {
    const query = { client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope: "openid offline_access mail.read" };
    const asking = await pickAccount(authorizeUrl(query), "works");
    expect(asking.html).toContain("<code>Mail.Read</code>");
    const { location } = await answerPage(asking, { consent: "accept" });
    const code = new URL(location).searchParams.get("code") ?? "";
    const answer = await post({ ...OF_WEB, grant_type: "authorization_code", code, redirect_uri: WEB_CALLBACK });
    expect(decodeJwt(String(answer.access_token)).scp).toBe("Mail.Read openid profile email");
    around.directory.consents.withdraw();
    expect(await refresh(answer, {})).toMatchObject(refusal);
  });
});

describe("scopes", () => {
  test.each([
    ["openid user.read", "openid User.Read", "User.Read openid profile email"],
    [
      "OPENID HTTPS://GRAPH.MICROSOFT.COM/USER.READ",
      "openid https://graph.microsoft.com/User.Read",
      "User.Read openid profile email",
    ],
    [
      API_SCOPE.toUpperCase(),
      API_SCOPE.toUpperCase().replace("USER_IMPERSONATION", "user_impersonation"),
      "user_impersonation",
    ],
    ["openid profile", "openid profile", "openid profile email"],
    ["offline_access", "openid profile email", "openid profile email"],
  ])("are taken in any case and answered as registered, never empty: %s", async (asked, answered, scp) => {
    const answer = await signInToWeb(asked);
    expect(answer.scope).toBe(answered);
    expect(decodeJwt(String(answer.access_token)).scp).toBe(scp);
  });

  test("that do not exist on a resource are named, beside those that do", async () => {
    const url = authorizeUrl({
      client_id: WEB.clientId,
      redirect_uri: WEB_CALLBACK,
      scope: `${API.identifierUris[0]}/nothing`,
    });
    const { searchParams } = new URL((await openPage(url)).location);
    expect(searchParams.get("error_description")).toMatch(/AADSTS650053: .*\/nothing'.* user_impersonation/);
  });
});

describe("an ID token", () => {
  test("holds the email address with the scope email, and only then", async () => {
    const withEmail = decodeJwt(String((await signInToWeb("openid email")).id_token));
    expect(withEmail.email).toBe("adele.vance@contoso.example");
    expect(decodeJwt(String((await signInToWeb("openid profile")).id_token))).not.toHaveProperty("email");
  });

  test("holds the time of the sign-in with max_age", async () => {
    const query = { client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope: "openid", max_age: "60" };
    const code = await codeOf(query);
    const answer = await post({ ...OF_WEB, grant_type: "authorization_code", code, redirect_uri: WEB_CALLBACK });
    const { auth_time, iat = 0 } = decodeJwt(String(answer.id_token));
    expect(Math.abs(iat - Number(auth_time))).toBeLessThan(60);
  });
});

describe("claims that ask for an authentication context", () => {
  const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: "c1" } } });
  const refusal = { error: "interaction_required", error_codes: [50076], suberror: "basic_action", claims };

  test("are refused to a refresh token whose sign-in did not satisfy them", async () => {
    const answer = await signInToWeb(`openid offline_access ${API_SCOPE}`);
    expect(await refresh(answer, { scope: API_SCOPE, claims })).toMatchObject(refusal);
  });

  test("are granted to one whose sign-in satisfied them, and the token says so", async () => {
    const scope = `openid offline_access ${API_SCOPE}`;
    const query = { client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope, claims };
    const { location } = await answerPage(await pickAccount(authorizeUrl(query), "works"), { mfa: "done" });
    const code = new URL(location).searchParams.get("code") ?? "";
    const form = { ...OF_WEB, grant_type: "authorization_code", code, redirect_uri: WEB_CALLBACK, claims };
    const answer = await refresh(await post(form), { scope: API_SCOPE, claims });
    expect(decodeJwt(String(answer.access_token)).acrs).toEqual(["c1"]);
  });

  test("are refused to an exchange whose assertion lacks them", async () => {
    const request = { account: around.account("works"), audience: API, scope: "user_impersonation" };
    const form = {
      ...{ client_id: API.clientId, client_secret: API.clientSecrets[0], requested_token_use: "on_behalf_of", claims },
      ...{ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", scope: "User.Read" },
    };
    expect(await post({ ...form, assertion: await around.issuer.apiToken(request) })).toMatchObject(refusal);
    const satisfied = await around.issuer.apiToken(request, { acrs: ["c1"] });
    expect(await post({ ...form, assertion: satisfied })).toHaveProperty("access_token");
  });
});

describe("a single-page app", () => {
  const query = { client_id: SPA.clientId, redirect_uri: SPA_CALLBACK, scope: `openid offline_access ${API_SCOPE}` };
  const form = { client_id: SPA.clientId, grant_type: "authorization_code", redirect_uri: SPA_CALLBACK };

  test("redeems its code from its own page, without a secret, and may read the answer", async () => {
    const code = await codeOf({ ...query, ...CHALLENGE });
    const body = new URLSearchParams({ ...form, code, code_verifier: VERIFIER });
    const url = `${around.entra.url}/${TENANT_ID}/oauth2/v2.0/token`;
    const response = await fetch(url, { method: "POST", body, headers: PAGE });
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    expect(await response.json()).toMatchObject({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
    });
  });

  // https://learn.microsoft.com/entra/identity-platform/reference-error-codes
  test("is refused elsewhere, and without PKCE", async () => {
    const code = await codeOf({ ...query, ...CHALLENGE });
    expect(await post({ ...form, code, code_verifier: VERIFIER })).toMatchObject({ error_codes: [9002327] });
    const { searchParams } = new URL((await openPage(authorizeUrl(query))).location);
    expect(searchParams.get("error_description")).toContain("AADSTS9002325");
  });

  test("is given refresh tokens that end a day after the sign-in", async () => {
    const code = await codeOf({ ...query, ...CHALLENGE });
    const { refresh_token } = await post({ ...form, code, code_verifier: VERIFIER }, PAGE);
    const again = { client_id: SPA.clientId, grant_type: "refresh_token", refresh_token: String(refresh_token) };
    expect(await post(again, PAGE)).toHaveProperty("access_token");
    const { now } = Date;
    Date.now = () => now() + 90_000_000;
    try {
      expect(await post(again, PAGE)).toMatchObject({ error: "invalid_grant", error_codes: [700084] });
    } finally {
      Date.now = now;
    }
  });
});

describe("an app on a server", () => {
  const query = { client_id: WEB.clientId, redirect_uri: WEB_CALLBACK, scope: "openid" };
  const form = { client_id: WEB.clientId, grant_type: "authorization_code", redirect_uri: WEB_CALLBACK };

  test("cannot redeem without a credential, or from a page", async () => {
    const code = await codeOf(query);
    expect(await post({ ...form, code })).toMatchObject({ error: "invalid_client", error_codes: [7000218] });
    expect(await post({ ...form, ...OF_WEB, code }, PAGE)).toMatchObject({ error_codes: [9002326] });
    expect(await post({ ...form, ...OF_WEB, code })).toHaveProperty("access_token");
  });

  test("is told which redirect URI is not registered, and which are", async () => {
    const { status, html } = await openPage(authorizeUrl({ ...query, redirect_uri: "http://localhost:3000/wrong" }));
    expect(status).toBe(400);
    for (const text of ["AADSTS50011", "http://localhost:3000/wrong", WEB.clientId, "http://localhost/signed-in"]) {
      expect(html).toContain(text);
    }
  });

  test("may send its request as a form post", async () => {
    const url = `${around.entra.url}/${TENANT_ID}/oauth2/v2.0/authorize`;
    const body = new URLSearchParams({ ...query, response_type: "code", state: "s" });
    const picker = await openPage(url, { method: "POST", body });
    const { location } = await answerPage(picker, { account: "works" });
    expect(new URL(location).searchParams.get("state")).toBe("s");
  });
});

describe("a public client", () => {
  test("redeems its code without a credential, and is refused with one", async () => {
    const callback = "http://localhost:51234";
    const query = { client_id: NATIVE.clientId, redirect_uri: callback, scope: "openid", ...CHALLENGE };
    const form = { client_id: NATIVE.clientId, grant_type: "authorization_code", redirect_uri: callback };
    expect(await post({ ...form, code: await codeOf(query), code_verifier: VERIFIER })).toHaveProperty("id_token");
    const wrong = { ...form, client_secret: "any", code: await codeOf(query), code_verifier: VERIFIER };
    expect(await post(wrong)).toMatchObject({ error: "invalid_client" });
  });
});

// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
describe("a device code", () => {
  const polled = (device_code: string, more: Form = {}) =>
    post({
      client_id: NATIVE.clientId,
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code,
      ...more,
    });

  async function begin(): Promise<{ device_code: string; user_code: string; verification_uri: string }> {
    const body = new URLSearchParams({ client_id: NATIVE.clientId, scope: "openid offline_access User.Read" });
    const url = `${around.entra.url}/${TENANT_ID}/oauth2/v2.0/devicecode`;
    return (await (await fetch(url, { method: "POST", body })).json()) as Awaited<ReturnType<typeof begin>>;
  }

  async function enter(verificationUri: string, userCode: string) {
    const { html } = await openPage(verificationUri);
    const { action } = formIn(html);
    const url = new URL(action, verificationUri).href;
    return openPage(url, { method: "POST", body: new URLSearchParams({ otc: userCode }) });
  }

  test("is pending until the user has typed the user code and signed in, and works once", async () => {
    const { device_code, user_code, verification_uri } = await begin();
    expect(await polled(device_code)).toMatchObject({ error: "authorization_pending", error_codes: [70016] });
    expect((await enter(verification_uri, "WRONGCODE")).status).toBe(400);
    const picker = await enter(verification_uri, ` ${user_code.toLowerCase()} `);
    expect((await answerPage(picker, { account: "works" })).html).toContain("Native app");
    const answer = await polled(device_code);
    expect(decodeJwt(String(answer.id_token)).oid).toBe(around.account("works").objectId);
    expect(await polled(device_code)).toMatchObject({ error: "expired_token" });
  });

  test("is declined with the consent", async () => {
    const { device_code, user_code, verification_uri } = await begin();
    const asking = await answerPage(await enter(verification_uri, user_code), { account: "no-consent" });
    await answerPage(asking, { consent: "refuse" });
    expect(await polled(device_code)).toMatchObject({ error: "authorization_declined" });
  });

  test("of a confidential client cannot be redeemed without its secret", async () => {
    const form = {
      client_id: WEB.clientId,
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      device_code: "x",
    };
    expect(await post(form)).toMatchObject({ error: "invalid_client", error_codes: [7000218] });
  });
});

// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
describe("client_credentials", () => {
  const form = { client_id: DAEMON.clientId, client_secret: DAEMON.clientSecrets[0], grant_type: "client_credentials" };

  test("give a token with the app's roles, for Graph and for an API, and no refresh token", async () => {
    const ofGraph = await post({ ...form, scope: "https://graph.microsoft.com/.default" });
    expect(Object.keys(ofGraph)).toEqual(["token_type", "expires_in", "ext_expires_in", "access_token"]);
    const claims = decodeJwt(String(ofGraph.access_token));
    expect(claims).toMatchObject({ aud: "https://graph.microsoft.com", idtyp: "app", roles: ["User.Read.All"] });
    expect(claims).not.toHaveProperty("scp");
    const { access_token } = await post({ ...form, scope: `${API.identifierUris[0]}/.default` });
    expect(decodeJwt(String(access_token))).toMatchObject({
      aud: API.clientId,
      azp: DAEMON.clientId,
      roles: ["Tasks.Run"],
    });
  });

  test("at version 1's endpoint name a resource", async () => {
    const url = `${around.entra.url}/${TENANT_ID}/oauth2/token`;
    const body = new URLSearchParams({ ...form, resource: "https://graph.microsoft.com/" });
    const answer = (await (await fetch(url, { method: "POST", body })).json()) as Answer;
    expect(decodeJwt(String(answer.access_token)).aud).toBe("https://graph.microsoft.com");
  });

  test.each<[string, Form, string, number]>([
    ["a named scope", { scope: API_SCOPE }, TENANT_ID, 1002012],
    ["no tenant", { scope: "https://graph.microsoft.com/.default" }, "organizations", 50194],
    ["another tenant", { scope: "https://graph.microsoft.com/.default" }, OTHER_TENANT_ID, 700016],
    ["a wrong secret", { client_secret: "wrong" }, TENANT_ID, 7000215],
  ])("are refused with %s", async (_, more, tenant, number) => {
    expect(await post({ ...form, ...more }, {}, tenant)).toMatchObject({ error_codes: [number] });
  });
});

test("a user's app roles are in the tokens for the app that defines them", async () => {
  const account = { ...around.account("works"), appRoles: { [API.clientId]: ["Reader"] } };
  const roles = async (jwt: Promise<string>) => decodeJwt(await jwt).roles;
  expect(await roles(around.issuer.apiToken({ account, audience: API, scope: "user_impersonation" }))).toEqual([
    "Reader",
  ]);
  expect(await roles(around.issuer.idToken(account, API))).toEqual(["Reader"]);
  expect(await roles(around.issuer.idToken(account, WEB))).toBeUndefined();
});
