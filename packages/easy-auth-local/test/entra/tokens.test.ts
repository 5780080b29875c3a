import { decodeJwt, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import { openPage, pickAccount } from "../../../../test/support/entra-pages.ts";
import { sendRaw } from "../../../../test/support/raw-http.ts";
import {
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  FRONTEND,
  OTHER_TENANT_ID,
  type Registration,
  TENANT_ID,
} from "../../src/directory/directory.ts";
import { createSigningKeys } from "../../src/entra/keys.ts";
import { startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import type { LoopbackServer } from "../../src/http/loopback-server.ts";

const CALLBACK = "http://localhost:4280/callback";
const GRAPH_DEFAULT = "https://graph.microsoft.com/.default";
const MANY_TENANTS = { signInAudience: "AzureADMultipleOrgs" } as const;

const directory = createDirectory();
const severalTenants = createDirectory({
  registrations: [
    { ...API, ...MANY_TENANTS },
    { ...FRONTEND, ...MANY_TENANTS },
  ],
});
let issuer: TokenIssuer;
let entra: LoopbackServer;
let shared: LoopbackServer;
beforeAll(async () => {
  issuer = createTokenIssuer(await createSigningKeys(inject("stateFolder")));
  entra = await startEntra({ directory, issuer });
  shared = await startEntra({ directory: severalTenants, issuer });
});
afterAll(() => Promise.all([entra.close(), shared.close()]));

const account = (key: string) => accountOf(directory, key);

type Form = Readonly<Record<string, string>>;
interface Answer extends Readonly<Record<string, unknown>> {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token: string;
}

async function post(
  authority: string,
  { clientId, clientSecrets: [clientSecret = ""] = [] }: Registration,
  form: Form,
  headers: Form = {},
) {
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form });
  const response = await fetch(`${authority}/oauth2/v2.0/token`, { method: "POST", headers, body });
  return (await response.json()) as Answer;
}

async function signIn(authority: string, key: string, scope: string): Promise<Answer> {
  const query = new URLSearchParams({
    client_id: FRONTEND.clientId,
    redirect_uri: CALLBACK,
    response_type: "code",
    scope,
  });
  const { location, html } = await pickAccount(`${authority}/oauth2/v2.0/authorize?${query}`, key);
  if (location === "") throw new Error(html.slice(-300));
  const code = new URL(location).searchParams.get("code") ?? "";
  return post(authority, FRONTEND, { grant_type: "authorization_code", code, redirect_uri: CALLBACK });
}

function exchange(authority: string, assertion: string, claims?: string): Promise<Answer> {
  return post(authority, API, {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ...{ requested_token_use: "on_behalf_of", scope: GRAPH_DEFAULT, assertion },
    ...(claims !== undefined && { claims }),
  });
}

const SIGN_IN_SCOPE = `openid profile offline_access ${API.identifierUris[0]}/user_impersonation`;

describe("metadata", () => {
  test("at an address on this machine names its endpoints there, and Entra's own issuer", async () => {
    const response = await fetch(`${entra.url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`);
    const metadata = (await response.json()) as Record<string, unknown>;
    expect(metadata.issuer).toBe(`${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`);
    for (const name of ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"]) {
      expect(metadata[name]).toContain(`${entra.url}/${TENANT_ID}/`);
    }
    expect((await fetch(String(metadata.jwks_uri))).status).toBe(200);
  });

  test("requested by Microsoft's host name has only addresses at that host", async () => {
    const headers = ["Host: login.microsoftonline.com", "Connection: close"];
    const { body } = await sendRaw(entra.url, `/${TENANT_ID}/v2.0/.well-known/openid-configuration`, headers);
    const metadata = JSON.parse(/\{.*\}/s.exec(body)?.[0] ?? "{}") as Record<string, unknown>;
    expect(metadata).toMatchObject({
      issuer: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
      token_endpoint: `${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/token`,
      jwks_uri: `${AUTHORITY_ORIGIN}/${TENANT_ID}/discovery/v2.0/keys`,
      userinfo_endpoint: "https://graph.microsoft.com/oidc/userinfo",
      authorization_endpoint: `${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/authorize`,
      end_session_endpoint: `${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/logout`,
    });
  });

  test.each(["organizations", "common"])("of %s leaves the tenant open", async (tenant) => {
    const response = await fetch(`${entra.url}/${tenant}/v2.0/.well-known/openid-configuration`);
    expect(await response.json()).toMatchObject({ issuer: `${AUTHORITY_ORIGIN}/{tenantid}/v2.0` });
  });
});

describe("a token", () => {
  test("for an API that wants version 1 names audience, issuer and client as version 1 does", async () => {
    const audience = { ...API, requestedAccessTokenVersion: 1 } as const;
    const claims = decodeJwt(
      await issuer.apiToken({ account: account("works"), audience, scope: "user_impersonation" }),
    );
    expect(claims).toMatchObject({
      aud: API.identifierUris[0],
      iss: `https://sts.windows.net/${TENANT_ID}/`,
      appid: FRONTEND.clientId,
      ver: "1.0",
      upn: "adele.vance@contoso.example",
    });
    expect(claims).not.toHaveProperty("azp");
    expect(claims).not.toHaveProperty("preferred_username");
  });

  test("of a guest is of this tenant, and has the home tenant in idp and the sign-in name of the home tenant", async () => {
    const { access_token, id_token } = await signIn(`${entra.url}/${TENANT_ID}`, "guest", SIGN_IN_SCOPE);
    for (const jwt of [access_token, id_token]) {
      expect(decodeJwt(jwt)).toMatchObject({
        iss: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
        tid: TENANT_ID,
        idp: `https://sts.windows.net/${OTHER_TENANT_ID}/`,
        preferred_username: "megan.bowen@fabrikam.example",
      });
    }
    expect(
      decodeJwt(await issuer.apiToken({ account: account("works"), audience: API, scope: "s" })),
    ).not.toHaveProperty("idp");
  });

  test("of a user in many groups names all of them", async () => {
    const { access_token, id_token } = await signIn(`${entra.url}/${TENANT_ID}`, "many-groups", SIGN_IN_SCOPE);
    for (const jwt of [access_token, id_token]) expect(new Set(decodeJwt(jwt).groups as string[]).size).toBe(200);
    expect(access_token.length).toBeGreaterThan(10_000);
  });

  test("of token-expires lasts a minute, and the answer says so", async () => {
    const answer = await signIn(`${entra.url}/${TENANT_ID}`, "token-expires", SIGN_IN_SCOPE);
    const { iat = 0, exp = 0 } = decodeJwt(answer.access_token);
    expect([answer.expires_in, exp - iat]).toEqual([60, 60]);
  });

  test("asked for with one of Graph's scopes is for Graph, once the user consented", async () => {
    const url = `${entra.url}/${TENANT_ID}/oauth2/v2.0/authorize?client_id=${FRONTEND.clientId}&response_type=code`;
    const page = await openPage(`${url}&redirect_uri=${encodeURIComponent(CALLBACK)}&scope=openid%20User.Read`);
    expect(page.status).toBe(200);
    directory.consents.grant(FRONTEND, { names: ["User.Read"] }, account("works"));
    const answer = await signIn(`${entra.url}/${TENANT_ID}`, "works", "openid User.Read");
    expect(answer.scope).toBe("openid User.Read");
    expect(decodeJwt(answer.access_token)).toMatchObject({
      aud: "https://graph.microsoft.com",
      scp: "User.Read openid profile email",
    });
    directory.consents.withdraw();
  });

  test("is signed with a key that was published before it was used; earlier keys still verify", async () => {
    const keys = await createSigningKeys();
    const before = await createTokenIssuer(keys).idToken(account("works"), API);
    const known = keys.jwks.keys.map(({ kid }) => kid);
    await keys.rotate();
    expect(known).toContain(keys.keyId);
    const after = await createTokenIssuer(keys).idToken(account("works"), API);
    for (const jwt of [before, after]) await jwtVerify(jwt, keys.verificationKeys);
    for (const _ of [1, 2, 3]) await keys.rotate();
    expect(keys.jwks.keys).toHaveLength(4);
    await expect(jwtVerify(before, keys.verificationKeys)).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });
});

describe("a refresh token", () => {
  test("can be redeemed for another resource that was consented to", async () => {
    const { refresh_token } = await signIn(`${entra.url}/${TENANT_ID}`, "works", SIGN_IN_SCOPE);
    const form = { grant_type: "refresh_token", refresh_token, scope: `${API.clientId}/.default` };
    const answer = await post(`${entra.url}/${TENANT_ID}`, FRONTEND, form);
    expect(answer.scope).toBe(`${API.clientId}/user_impersonation ${API.clientId}/.default`);
    expect(decodeJwt(answer.access_token)).toMatchObject({ aud: API.clientId, scp: "user_impersonation" });
  });

  test.each<[string, () => void, number, string]>([
    ["refresh-gone", () => {}, 700082, "expired due to inactivity"],
    ["works", () => directory.revocations.revoke(account("works")), 50173, "revoked"],
  ])("of %s is refused", async (key, revoke, number, text) => {
    const { refresh_token } = await signIn(`${entra.url}/${TENANT_ID}`, key, SIGN_IN_SCOPE);
    revoke();
    const form = { grant_type: "refresh_token", refresh_token };
    expect(await post(`${entra.url}/${TENANT_ID}`, FRONTEND, form)).toMatchObject({
      error: "invalid_grant",
      error_codes: [number],
      error_description: expect.stringContaining(text),
    });
    directory.revocations.revoke(account("works"), 0);
  });
});

describe("an exchange", () => {
  const apiToken = (key: string) =>
    issuer.apiToken({ account: account(key), audience: API, scope: "user_impersonation" });

  test.each([
    ["mfa-needed", { error: "invalid_grant", error_codes: [50076], suberror: "basic_action" }],
    ["blocked", { error: "invalid_grant", error_codes: [53003], suberror: "message_only" }],
    ["not-assigned", { error: "invalid_grant", error_codes: [50105] }],
  ])("on behalf of %s is refused as Entra does", async (key, expected) => {
    expect(await exchange(`${entra.url}/${TENANT_ID}`, await apiToken(key))).toMatchObject(expected);
  });

  test("by a client that understands claims challenges gives a token that Graph may revoke, for longer", async () => {
    const claims = JSON.stringify({ access_token: { xms_cc: { values: ["CP1"] } } });
    const capable = await exchange(`${entra.url}/${TENANT_ID}`, await apiToken("works"), claims);
    expect(decodeJwt(capable.access_token).xms_cc).toEqual(["cp1"]);
    expect(capable.expires_in).toBe(86_400);
    const plain = await exchange(`${entra.url}/${TENANT_ID}`, await apiToken("works"));
    expect(decodeJwt(plain.access_token)).not.toHaveProperty("xms_cc");
    expect(plain.expires_in).toBe(3600);
  });

  test("with the claims of a revoked token needs a newer sign-in", async () => {
    const assertion = await apiToken("works");
    const { iat = 0 } = decodeJwt(assertion);
    const claimsOf = (value: number) =>
      JSON.stringify({ access_token: { nbf: { essential: true, value: `${value}` } } });
    const authority = `${entra.url}/${TENANT_ID}`;
    expect(await exchange(authority, assertion, claimsOf(iat + 1))).toMatchObject({
      ...{ error: "invalid_grant", error_codes: [50173], suberror: "bad_token" },
      claims: claimsOf(iat + 1),
    });
    expect(await exchange(authority, assertion, claimsOf(iat))).toHaveProperty("access_token");
  });

  test("from a page of another origin is refused: no app here is a single-page app", async () => {
    const form = { grant_type: "refresh_token", refresh_token: "any" };
    const answer = await post(`${entra.url}/${TENANT_ID}`, API, form, { origin: "http://localhost:4280" });
    expect(answer).toMatchObject({ error: "invalid_request", error_codes: [9002326] });
  });
});

describe("apps for several tenants", () => {
  test("at organizations are given tokens of each user's own tenant, which can be exchanged there", async () => {
    const own = { works: TENANT_ID, "other-tenant": OTHER_TENANT_ID };
    for (const [key, tenantId] of Object.entries(own)) {
      const { access_token } = await signIn(`${shared.url}/organizations`, key, SIGN_IN_SCOPE);
      expect(decodeJwt(access_token)).toMatchObject({ tid: tenantId, iss: `${AUTHORITY_ORIGIN}/${tenantId}/v2.0` });
      const { access_token: graphToken } = await exchange(`${shared.url}/${tenantId}`, access_token);
      expect(decodeJwt(graphToken)).toMatchObject({ tid: tenantId });
    }
  });

  test("cannot exchange a token at another tenant than its own", async () => {
    const { access_token } = await signIn(`${shared.url}/organizations`, "other-tenant", SIGN_IN_SCOPE);
    expect(await exchange(`${shared.url}/${TENANT_ID}`, access_token)).toMatchObject({ error_codes: [50013] });
  });

  test("at one tenant know only its users", async () => {
    await expect(signIn(`${shared.url}/${TENANT_ID}`, "other-tenant", SIGN_IN_SCOPE)).rejects.toThrow("AADSTS50020");
    await expect(signIn(`${shared.url}/${OTHER_TENANT_ID}`, "works", SIGN_IN_SCOPE)).rejects.toThrow("AADSTS50020");
  });

  test("take assertions that name Entra's own issuer, wherever they are exchanged", async () => {
    const assertion = await issuer.apiToken({ account: account("works"), audience: API, scope: "user_impersonation" });
    expect(decodeJwt(assertion).iss).toBe(`${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`);
    expect(await exchange(`${shared.url}/common`, assertion)).toHaveProperty("access_token");
  });
});
