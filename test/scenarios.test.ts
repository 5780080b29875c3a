import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { ACCOUNTS, API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";
import { Browser } from "easy-auth-local/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "./support/account.ts";
import { formIn } from "./support/entra-pages.ts";
import { startStack, type TestStack } from "./support/stack.ts";

const HOUR = 3600;
let stack: TestStack;
beforeAll(async () => {
  // graph-slow shows a time-out; the shortest one will do.
  stack = await startStack({ https: true, settings: { REQUEST_TIMEOUT_MS: "1500" } });
});
afterAll(() => stack.close());

async function signedIn(key: string): Promise<Browser> {
  const browser = new Browser();
  await browser.signIn(`${stack.frontendUrl}/`, key);
  return browser;
}

/** Status and code of an answer, as the accounts' `answer` writes them. */
async function answerOf(response: Response): Promise<string> {
  const isProblem = response.headers.get("content-type") === "application/problem+json";
  const { code } = isProblem ? ((await response.json()) as { code: string }) : { code: undefined };
  return [response.status, code].filter(Boolean).join(" ");
}

async function profile(browser: Browser): Promise<string> {
  return answerOf(await browser.request(`${stack.frontendUrl}/api/profile`));
}

async function refresh(browser: Browser): Promise<number> {
  return (await browser.request(`${stack.frontendUrl}/.auth/refresh`)).status;
}

/** Accounts as the page on the local stack lists them: key, name, what each shows, and the answer of /api/profile. */
const LISTED = (await readFile("docs/local-stack.md", "utf8"))
  .split("\n")
  .filter((line) => /^\| `[a-z-]+` \| .* \| .* \|/.test(line))
  .map((row) => row.split(" | ").map((cell) => cell.replaceAll(/^\| |`| \|$/g, "")))
  .filter(([key]) => ACCOUNTS.some((account) => account.key === key));

test("the page on the local stack describes every account correctly", () => {
  const accounts = ACCOUNTS.map(({ key, profile, shows }) => [key, profile.displayName, shows, expect.any(String)]);
  expect(LISTED).toEqual(accounts);
});

describe("signed in as the account", () => {
  test.each(
    LISTED.map(([key = "", , , answer = ""]) => [key, answer] as const).filter(([key]) => key !== "other-tenant"),
  )("%s, GET /api/profile is answered %s", async (key, answer) => {
    expect(await profile(await signedIn(key))).toBe(answer);
  });

  test("other-tenant: Entra refuses the sign-in itself", async () => {
    const browser = new Browser();
    const { url, response } = await browser.signIn(`${stack.frontendUrl}/`, "other-tenant");
    expect(url).toContain(stack.entraUrl);
    expect(response.status).toBe(400);
    const page = await response.text();
    expect(page).toContain("AADSTS50020");
    expect(LISTED).toContainEqual(expect.arrayContaining(["other-tenant", "no sign-in: AADSTS50020"]));
  });
});

describe("a session that outlives its token", () => {
  test("is answered token_expired after an hour until it is refreshed, and ends after eight more", async () => {
    const browser = await signedIn("works");
    expect(await profile(browser)).toBe("200");

    stack.clock.advance(HOUR + 120);
    expect(await profile(browser)).toBe("401 token_expired");
    expect(await refresh(browser)).toBe(200);
    expect(await profile(browser)).toBe("200");

    stack.clock.advance(8 * HOUR);
    expect((await browser.request(`${stack.frontendUrl}/.auth/me`)).status).toBe(401);
    const { url } = await browser.open(`${stack.frontendUrl}/`);
    expect(url).toContain("/oauth2/v2.0/authorize");
  });

  test("of the account token-expires is answered token_expired after two minutes until it is refreshed", async () => {
    const browser = await signedIn("token-expires");
    stack.clock.advance(125);
    expect(await profile(browser)).toBe("401 token_expired");
    expect(await refresh(browser)).toBe(200);
    expect(await profile(browser)).toBe("200");
  });

  test("of the account refresh-gone cannot be refreshed: only signing in again helps", async () => {
    const browser = await signedIn("refresh-gone");
    stack.clock.advance(125);
    expect(await refresh(browser)).toBe(403);
    expect(await profile(browser)).toBe("401 token_expired");
    await browser.signIn(`${stack.frontendUrl}/.auth/login/aad`, "refresh-gone");
    expect(await profile(browser)).toBe("200");
  });
});

describe("access-revoked", () => {
  test("is challenged by Graph, cannot be refreshed, and works after signing in again", async () => {
    stack.directory.revocations.revoke(accountOf(stack.directory, "access-revoked"), 0);
    const browser = await signedIn("access-revoked");
    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    expect(response.status).toBe(401);
    const [, claims = ""] = /claims="([^"]+)"/.exec(response.headers.get("www-authenticate") ?? "") ?? [];
    expect(JSON.parse(atob(claims))).toEqual({
      access_token: { nbf: { essential: true, value: expect.stringMatching(/^\d{10}$/) } },
    });
    expect(await refresh(browser)).toBe(403);

    stack.clock.advance(5);
    await browser.signIn(`${stack.frontendUrl}/.auth/login/aad`, "access-revoked");
    expect(await profile(browser)).toBe("200");
  });

  test("is what happens to anyone whose sessions are revoked on Entra's page", async () => {
    const browser = await signedIn("works");
    expect(await profile(browser)).toBe("200");
    await fetch(stack.entraUrl, { method: "POST", body: new URLSearchParams({ revoke: "works" }), redirect: "manual" });
    expect(await profile(browser)).toBe("401 claims_challenge");
    stack.clock.advance(5);
    await browser.signIn(`${stack.frontendUrl}/.auth/login/aad`, "works");
    expect(await profile(browser)).toBe("200");
  });
});

describe("no-consent", () => {
  test("works once an administrator consents at the address that the frontend's answer names", async () => {
    const browser = await signedIn("no-consent");
    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    const { adminConsentUrl } = (await response.json()) as { adminConsentUrl: string };
    expect(adminConsentUrl).toBe(`${stack.entraUrl}/${TENANT_ID}/adminconsent?client_id=${API.clientId}`);
    expect(await (await fetch(adminConsentUrl)).text()).toContain("<code>User.Read</code>");
    const body = new URLSearchParams({ consent: "accept" });
    expect((await fetch(adminConsentUrl, { method: "POST", body })).status).toBe(200);

    // The API remembers a refusal for some seconds.
    stack.clock.advance(10);
    expect(await profile(browser)).toBe("200");
    stack.directory.consents.withdraw();
  });
});

describe("throttled", () => {
  test("gets Retry-After", async () => {
    const browser = await signedIn("throttled");
    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    expect(response.headers.get("retry-after")).toBe("30");
  });
});

describe("mfa-needed", () => {
  test("works once signed in again with the claims of the answer", async () => {
    const browser = await signedIn("mfa-needed");
    const response = await browser.request(`${stack.frontendUrl}/api/profile`);
    const [, claims = ""] = /claims="([^"]+)"/.exec(response.headers.get("www-authenticate") ?? "") ?? [];
    const login = `${stack.frontendUrl}/.auth/login/aad?claims=${encodeURIComponent(atob(claims))}`;
    const asked = await browser.signIn(login, "mfa-needed");
    const { action, fields } = formIn(await asked.response.text());
    fields.set("mfa", "done");
    await browser.open(new URL(action, asked.url).href, { method: "POST", body: fields });
    expect(await profile(browser)).toBe("200");
  });

  test("does not work after signing in again without them", async () => {
    const browser = await signedIn("mfa-needed");
    await browser.signIn(`${stack.frontendUrl}/.auth/login/aad`, "mfa-needed");
    expect(await profile(browser)).toBe("401 claims_challenge");
  });
});

describe("signing keys that rotate", () => {
  test("are accepted by the gates and the API without a restart", async () => {
    const before = await signedIn("works");
    await stack.issuer.keys.rotate();
    // Keys are read again at most once in 30 s.
    stack.clock.advance(60);
    const after = await signedIn("works");
    expect(await profile(after)).toBe("200");
    expect(await profile(before)).toBe("200");
  });
});

test("Entra can also be used over https, with a certificate to trust", async () => {
  const { url = "", certificate = "" } = stack.entraHttps ?? {};
  const [response] = (await once(
    https.get(`${url}/${TENANT_ID}/v2.0/.well-known/openid-configuration`, { ca: certificate }),
    "response",
  )) as [http.IncomingMessage];
  expect(JSON.parse(await text(response))).toMatchObject({ issuer: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0` });
});
