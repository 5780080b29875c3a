import { randomUUID } from "node:crypto";
import { type Account, API, FRONTEND, TENANT_ID } from "easy-auth-local";
import { createTokenIssuer } from "easy-auth-local/parts";
import { Browser } from "easy-auth-local/vitest";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { accountOf } from "./support/account.ts";
import { startStack, type TestStack } from "./support/stack.ts";
import { strangersKeys } from "./support/strangers.ts";

const CROWD: readonly Account[] = Array.from({ length: 50 }, (_, index) => ({
  key: `crowd-${index}`,
  objectId: randomUUID(),
  shows: "One of many.",
  consentToGraph: true,
  profile: { displayName: `Person ${index}`, userPrincipalName: `person-${index}@contoso.example` },
}));

let stack: TestStack;
beforeAll(async () => {
  stack = await startStack({ accounts: CROWD });
});

const account = (key: string) => accountOf(stack.directory, key);

const apiToken = (key: string, changes?: Record<string, unknown>) => stack.token(key, changes);

async function call(url: string, token?: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) } });
}

describe("a user in a browser", () => {
  test("signs in and sees the profile that the function fetched from Graph on their behalf", async () => {
    const browser = new Browser();
    const page = await browser.signIn(`${stack.frontendUrl}/`, "works");
    expect(page.response.status).toBe(200);
    expect(page.response.headers.get("content-type")).toContain("text/html");

    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ displayName: "Adele Vance", id: account("works").objectId });
  });

  test("comes back to the page they asked for", async () => {
    const { url } = await new Browser().signIn(`${stack.frontendUrl}/?tab=a%20b`, "works");
    expect(url).toBe(`${stack.frontendUrl}/?tab=a%20b`);
  });

  test("reads why the profile is missing when the API has no consent", async () => {
    const browser = await stack.signIn("no-consent");
    const response = await browser.fetch("/api/profile");
    expect(response.status).toBe(403);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({
      status: 403,
      code: "consent_required",
      title: expect.stringMatching(/consent/),
    });
  });

  test("has no session after signing out", async () => {
    const browser = await stack.signIn("works");
    await browser.fetch("/.auth/logout");
    expect((await browser.fetch("/.auth/me")).status).toBe(401);
    const { url } = await browser.fetch("/api/profile");
    expect(url).toContain(`${stack.entraUrl}/${TENANT_ID}/oauth2/v2.0/authorize`);
  });

  test("is signed in again without a page with prompt=none, until they sign out", async () => {
    const browser = await stack.signIn("works");
    const silently = `${stack.frontendUrl}/.auth/login/aad?prompt=none&post_login_redirect_uri=%2Fsession`;
    expect(await (await browser.fetch(silently)).json()).toMatchObject({ name: "adele.vance@contoso.example" });
    await browser.fetch("/.auth/logout");
    expect((await browser.fetch(silently)).status).toBe(401);
  });

  test("keeps their identity when they send Easy Auth's headers themselves", async () => {
    const browser = await stack.signIn("works");
    const headers = {
      "X-MS-TOKEN-AAD-ACCESS-TOKEN": await apiToken("sparse"),
      "X-MS-CLIENT-PRINCIPAL-NAME": "someone",
    };
    const response = await browser.fetch("/api/profile", { headers });
    expect(await response.json()).toMatchObject({ displayName: "Adele Vance" });
    const session = await browser.fetch("/session", { headers });
    expect(await session.json()).toMatchObject({ name: "adele.vance@contoso.example" });
  });
});

describe("GET /api/profile", () => {
  test("answers the profile to a caller with a token, and keeps it out of caches", async () => {
    const response = await call(`${stack.apiUrl}/api/profile`, await apiToken("works"));
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("private, no-store");
    expect(await response.json()).toEqual({
      "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
      businessPhones: ["+1 425 555 0109"],
      displayName: "Adele Vance",
      givenName: "Adele",
      jobTitle: "Retail Manager",
      mail: "adele.vance@contoso.example",
      mobilePhone: "+1 425 555 0187",
      officeLocation: "18/2111",
      preferredLanguage: "en-US",
      surname: "Vance",
      userPrincipalName: "adele.vance@contoso.example",
      id: account("works").objectId,
    });
  });

  test("passes the selected properties on to Graph", async () => {
    const response = await call(`${stack.apiUrl}/api/profile?select=displayName,department`, await apiToken("works"));
    expect(await response.json()).toMatchObject({ displayName: "Adele Vance", department: "Retail" });
    expect(stack.graphRequests.at(-1)?.url.search).toBe("?$select=displayName,department");
  });

  test.each(["", "display name", "displayName&$expand=manager", "a,,b", "../users", "x".repeat(200)])(
    "refuses ?select=%s before Graph is asked",
    async (select) => {
      const asked = stack.graphRequests.length;
      const url = `${stack.apiUrl}/api/profile?select=${encodeURIComponent(select)}`;
      const response = await call(url, await apiToken("works"));
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: "invalid_request", status: 400 });
      expect(stack.graphRequests.length).toBe(asked);
    },
  );

  test("answers 400 for a property that Graph does not know", async () => {
    const response = await call(`${stack.apiUrl}/api/profile?select=noSuchThing`, await apiToken("works"));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid_request" });
  });

  test("gives the caller, Entra and Graph the same correlation id", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const token = await apiToken("works", { uti: randomUUID() });
    const response = await call(`${stack.apiUrl}/api/profile`, token, { traceparent });
    const correlationId = "0af76519-16cd-43dd-8448-eb211c80319c";
    expect(response.headers.get("x-correlation-id")).toBe(correlationId);
    expect(stack.graphRequests.at(-1)?.headers["client-request-id"]).toBe(correlationId);
    const { headers, body } = stack.tokenRequests.at(-1) ?? {};
    expect({ ...headers, ...(body as object) }).toMatchObject({ "client-request-id": correlationId });
  });
});

test("50 users with sessions of their own, asking at once, each read their own profile", async () => {
  const browsers = await Promise.all(CROWD.map(({ key }) => stack.signIn(key)));
  const exchanges = stack.tokenRequests.length;
  const profiles = await Promise.all(
    browsers.map(async (browser) => {
      const response = await browser.request("/api/profile");
      const { id, displayName } = (await response.json()) as Record<string, string>;
      return [response.status, id, displayName];
    }),
  );
  expect(profiles).toEqual(CROWD.map(({ objectId, profile }) => [200, objectId, profile.displayName]));
  expect(stack.tokenRequests.length - exchanges, "each exchanged their own token").toBe(CROWD.length);
}, 120_000);

describe("GET /api/get-profile", () => {
  test("answers in the shape that the tutorial's frontend reads", async () => {
    const response = await call(`${stack.apiUrl}/api/get-profile`, await apiToken("works"));
    expect(await response.json()).toEqual({ profile: expect.objectContaining({ displayName: "Adele Vance" }) });
  });
});

describe("GET /api/health", () => {
  test("answers through the gate without a token, and says nothing but ok", async () => {
    const response = await call(`${stack.apiUrl}/api/health`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });
});

describe("the type of a problem", () => {
  test("is the address of a page that explains it, readable without a token", async () => {
    const token = await apiToken("no-consent");
    const { type, code } = (await (await call(`${stack.apiUrl}/api/profile`, token)).json()) as Record<string, string>;
    expect(type).toBe(`${stack.apiUrl}/api/errors#consent_required`);
    const page = await call(type ?? "");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(await page.text()).toContain(`<h2 id="${code}">`);
  });

  test("leads to a page that runs no script and cannot be framed", async () => {
    const { headers } = await call(`${stack.apiUrl}/api/errors`);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toBe(
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    );
  });
});

describe.each([
  ["behind the gate", () => stack.apiUrl],
  ["with the gate off", () => stack.functions.url],
])("a caller without permission, %s,", (_, origin) => {
  let asked: number;
  beforeEach(() => {
    asked = stack.tokenRequests.length;
  });

  async function expect401(token?: string, headers?: Record<string, string>): Promise<Response> {
    const response = await call(`${origin()}/api/profile`, token, headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer /);
    expect(stack.tokenRequests.length, "Entra is not asked").toBe(asked);
    return response;
  }

  test("is refused without a token", async () => {
    await expect401();
  });

  test("is refused with a token signed by another key", async () => {
    const stranger = createTokenIssuer(await strangersKeys());
    await expect401(await stranger.apiToken({ account: account("works"), audience: API, scope: "user_impersonation" }));
  });

  test("is refused with a token for another audience", async () => {
    await expect401(await apiToken("works", { aud: FRONTEND.clientId }));
  });

  test("is refused with an expired token", async () => {
    const iat = Math.floor(Date.now() / 1000) - 7200;
    await expect401(await apiToken("works", { iat, nbf: iat, exp: iat + 3600 }));
  });

  test("is refused with an ID token", async () => {
    await expect401(await stack.issuer.idToken(account("works"), FRONTEND));
  });

  test("is refused with a token for Graph", async () => {
    await expect401(await stack.issuer.graphToken(account("works"), API, "User.Read"));
  });

  test("is refused with a token of another tenant", async () => {
    const tid = randomUUID();
    await expect401(await apiToken("works", { tid, iss: `https://login.microsoftonline.com/${tid}/v2.0` }));
  });

  test("is refused with forged Easy Auth headers", async () => {
    const stranger = createTokenIssuer(await strangersKeys());
    const forged = await stranger.apiToken({ account: account("works"), audience: API, scope: "user_impersonation" });
    const principal = Buffer.from(JSON.stringify({ auth_typ: "aad", claims: [] })).toString("base64");
    await expect401(undefined, {
      "X-MS-TOKEN-AAD-ACCESS-TOKEN": forged,
      "X-MS-CLIENT-PRINCIPAL": principal,
      "X-MS-CLIENT-PRINCIPAL-ID": account("works").objectId,
    });
  });
});

describe("with the gate off", () => {
  test("an ID token for the API itself is refused: it is not an access token", async () => {
    const response = await call(
      `${stack.functions.url}/api/profile`,
      await stack.issuer.idToken(account("works"), API),
    );
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: "token_rejected" });
  });

  test("the token of a session is taken from Easy Auth's header", async () => {
    const headers = { "X-MS-TOKEN-AAD-ACCESS-TOKEN": await apiToken("works") };
    const response = await call(`${stack.functions.url}/api/profile`, undefined, headers);
    expect(await response.json()).toMatchObject({ displayName: "Adele Vance" });
  });
});

test("behind the gate a spoofed token header alone is no sign-in", async () => {
  const headers = { "X-MS-TOKEN-AAD-ACCESS-TOKEN": await apiToken("works") };
  expect((await call(`${stack.apiUrl}/api/profile`, undefined, headers)).status).toBe(401);
});

test("no token or secret reaches a log line", async () => {
  const tokens = [await apiToken("works"), await apiToken("no-consent"), `${await apiToken("works")}x`];
  for (const token of tokens) await call(`${stack.functions.url}/api/profile`, token);
  const lines = stack.logs.map(({ message }) => message).join("\n");
  expect(lines).toContain("consent_required");
  for (const token of [...tokens, API.clientSecrets[0]]) expect(lines).not.toContain(token);
  expect(lines).not.toContain("eyJ");
});
