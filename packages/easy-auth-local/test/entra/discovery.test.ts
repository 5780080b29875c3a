import { decodeJwt } from "jose";
import { Agent, request } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { pickAccount } from "../../../../test/support/entra-pages.ts";
import { sendRaw } from "../../../../test/support/raw-http.ts";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "../../src/directory/directory.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { ISSUER, surroundings, WEB } from "../clients/fixture.ts";

const around = surroundings();

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(around.entra.url + path, { headers, redirect: "manual" });
  return { response, body: (await response.json().catch(() => ({}))) as Record<string, unknown> };
}

const DOCUMENT = "v2.0/.well-known/openid-configuration";

describe("a tenant", () => {
  test.each([[TENANT_ID], [TENANT_ID.toUpperCase()], ["contoso.example"], ["Contoso.OnMicrosoft.com"]])(
    "is found by %s, and is its id in the addresses",
    async (name) => {
      const { body } = await get(`/${name}/${DOCUMENT}`);
      expect(body).toMatchObject({
        issuer: ISSUER,
        token_endpoint: `${around.entra.url}/${TENANT_ID}/oauth2/v2.0/token`,
      });
    },
  );

  test("that does not exist is named in the refusal", async () => {
    const { response, body } = await get(`/nobody.example/${DOCUMENT}`);
    expect(response.status).toBe(400);
    expect(body).toMatchObject({ error_codes: [90002], error_description: expect.stringContaining("nobody.example") });
  });
});

describe("metadata", () => {
  // https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
  test("names how clients authenticate, and endpoints that all exist", async () => {
    const { body } = await get(`/${TENANT_ID}/${DOCUMENT}`);
    expect(body.token_endpoint_auth_methods_supported).toContain("private_key_jwt");
    for (const name of ["authorization_endpoint", "end_session_endpoint", "userinfo_endpoint"]) {
      expect((await fetch(String(body[name]))).status, name).not.toBe(404);
    }
    const posted = await fetch(String(body.device_authorization_endpoint), { method: "POST" });
    expect(posted.status).toBe(400);
  });

  test("of version 1 names version 1's issuer, and keys that verify", async () => {
    const { body } = await get(`/${TENANT_ID}/.well-known/openid-configuration`);
    expect(body.issuer).toBe(`https://sts.windows.net/${TENANT_ID}/`);
    const keys = (await (await fetch(String(body.jwks_uri))).json()) as { keys: { kid: string }[] };
    expect(keys.keys.map(({ kid }) => kid)).toContain(around.keys.keyId);
  });

  test("by Microsoft's name sends browsers to this machine, over https", async () => {
    const headers = ["Host: login.microsoftonline.com", "Connection: close"];
    const { body } = await sendRaw(around.entra.url, `/${TENANT_ID}/${DOCUMENT}`, headers);
    const secure = around.entra.https?.url ?? "";
    expect(body).toContain(`"authorization_endpoint":"${secure}/${TENANT_ID}/oauth2/v2.0/authorize"`);
    expect(body).toContain(`"token_endpoint":"${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/v2.0/token"`);
  });

  // MSAL's sources: msal-common/src/authority/AuthorityMetadata.ts
  test("of the instance names each cloud, and the metadata address of the given authority", async () => {
    const endpoint = `${around.entra.https?.url}/${TENANT_ID}/oauth2/v2.0/authorize`;
    const { body } = await get(
      `/common/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(endpoint)}`,
    );
    expect(body).toMatchObject({
      tenant_discovery_endpoint: `${around.entra.https?.url}/${TENANT_ID}/${DOCUMENT}`,
      "api-version": "1.1",
    });
    const [first] = body.metadata as { preferred_network: string; preferred_cache: string; aliases: string[] }[];
    expect(first).toMatchObject({
      preferred_network: "login.microsoftonline.com",
      preferred_cache: "login.windows.net",
    });
    expect(first?.aliases).toContain("login.windows.net");
  });

  test.each([`/${TENANT_ID}/${DOCUMENT}`, `/${TENANT_ID}/discovery/v2.0/keys`, "/common/discovery/instance"])(
    "may be read by a page of any origin: %s",
    async (path) => {
      const { response } = await get(path, { origin: "http://localhost:5173" });
      expect(response.headers.get("access-control-allow-origin")).toBe("*");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    },
  );
});

describe("UserInfo", () => {
  test.each(["GET", "POST"])("says who the token is of, by %s, with the subject of the ID token", async (method) => {
    const account = around.account("works");
    const graphToken = await around.issuer.graphToken(account, WEB, "openid profile email");
    const { sub } = decodeJwt(await around.issuer.idToken(account, WEB));
    for (const origin of [around.entra.url, around.graph.url]) {
      const headers = { authorization: `Bearer ${graphToken}` };
      const response = await fetch(`${origin}/oidc/userinfo`, { method, headers });
      expect(await response.json()).toEqual({
        sub,
        name: "Adele Vance",
        family_name: "Vance",
        given_name: "Adele",
        picture: "https://graph.microsoft.com/v1.0/me/photo/$value",
        email: "adele.vance@contoso.example",
      });
    }
  });

  test("is refused without a token for Graph", async () => {
    const token = await around.issuer.apiToken({ account: around.account("works"), audience: API, scope: "openid" });
    const { response } = await get("/oidc/userinfo", { authorization: `Bearer ${token}` });
    expect(response.status).toBe(401);
  });
});

// https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#none
test("the browser's session over https works in a frame, and is separate from the one over http", async () => {
  const { https } = around.entra;
  const agent = new Agent({ connect: { ca: https?.certificate } });
  onTestFinished(() => agent.close());
  const { headers } = await request(`${https?.url}/${TENANT_ID}/oauth2/v2.0/logout`, { dispatcher: agent });
  expect(headers["set-cookie"]).toMatch(/^ESTSAUTHPERSISTENT=.*; SameSite=None; Secure/);
  const { response } = await get(`/${TENANT_ID}/oauth2/v2.0/logout`);
  expect(response.headers.get("set-cookie")).toMatch(/^ESTSAUTH=.*; SameSite=Lax/);
});

describe("signing out", () => {
  const path = (query: Record<string, string>) => `/${TENANT_ID}/oauth2/v2.0/logout?${new URLSearchParams(query)}`;

  // https://openid.net/specs/openid-connect-rpinitiated-1_0.html#RedirectionAfterLogout
  test("returns to the app with the state", async () => {
    const query = { post_logout_redirect_uri: "http://localhost:3000/bye?a=1", state: "s 1" };
    const { response } = await get(path(query));
    expect(response.headers.get("location")).toBe("http://localhost:3000/bye?a=1&state=s+1");
  });

  test("does not lead to an address that belongs to no app", async () => {
    const { response } = await get(path({ post_logout_redirect_uri: "https://evil.example/", state: "s" }));
    expect([response.status, response.headers.get("location")]).toEqual([200, null]);
  });
});

test("a silent sign-in is refused to a browser whose sign-in is older than max_age", async () => {
  const query = { client_id: WEB.clientId, redirect_uri: "http://localhost:3000/signed-in", response_type: "code" };
  const url = (more: Record<string, string>) =>
    `${around.entra.url}/${TENANT_ID}/oauth2/v2.0/authorize?${new URLSearchParams({ ...query, scope: "openid", ...more })}`;
  const browser = new Browser();
  await browser.signIn(url({}), "works").catch(() => {});
  const told = async (maxAge: string) => {
    const response = await browser.request(url({ prompt: "none", max_age: maxAge }));
    return new URL(response.headers.get("location") ?? "").searchParams;
  };
  expect((await told("3600")).has("code")).toBe(true);
  const { now } = Date;
  Date.now = () => now() + 10_000;
  try {
    expect((await told("5")).get("error")).toBe("login_required");
  } finally {
    Date.now = now;
  }
});

test("tokens have the same issuer, whatever address issued them", async () => {
  const issuers = new Set<unknown>();
  for (const origin of [around.entra.url, around.entra.url.replace("localhost", "127.0.0.1")]) {
    const callback = "http://localhost:3000/signed-in";
    const query = { client_id: WEB.clientId, redirect_uri: callback, response_type: "code id_token", nonce: "n" };
    const parameters = new URLSearchParams({ ...query, scope: `openid ${API.identifierUris[0]}/user_impersonation` });
    const { location } = await pickAccount(`${origin}/${TENANT_ID}/oauth2/v2.0/authorize?${parameters}`, "works");
    const told = new URLSearchParams(new URL(location).hash.slice(1));
    const body = new URLSearchParams({
      ...{ client_id: WEB.clientId, client_secret: WEB.clientSecrets[0], grant_type: "authorization_code" },
      ...{ code: told.get("code") ?? "", redirect_uri: callback },
    });
    const response = await fetch(`${origin}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
    const { access_token, id_token } = (await response.json()) as Record<string, string>;
    for (const jwt of [told.get("id_token"), access_token, id_token]) issuers.add(decodeJwt(jwt ?? "").iss);
  }
  expect([...issuers]).toEqual([ISSUER]);
});
