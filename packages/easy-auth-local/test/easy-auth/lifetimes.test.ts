import { describe, expect, test } from "vitest";
import { Sessions } from "../../src/easy-auth/sessions.ts";
import type { SignedIn } from "../../src/easy-auth/sign-in.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { echoed, frontendSettings, openGate, signedIn, stopClock, surroundings } from "./fixture.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const around = surroundings();

const me = async (browser: Browser, url: string) => (await browser.request(`${url}/.auth/me`)).status;
const refresh = async (browser: Browser, url: string) => (await browser.request(`${url}/.auth/refresh`)).status;

describe("a session", () => {
  test("lasts 8 hours", async () => {
    const advance = stopClock();
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    advance(8 * HOUR - 1);
    expect(await me(browser, url)).toBe(200);
    advance(1);
    expect(await me(browser, url)).toBe(401);
    expect((await browser.request(`${url}/x`)).status).toBe(302);
  });

  test("lasts as long as timeToExpiration says", async () => {
    const advance = stopClock();
    const login = { tokenStore: { enabled: true }, cookieExpiration: { timeToExpiration: "1.00:30:00" } };
    const url = await openGate(around, frontendSettings({ login }));
    const browser = await signedIn(url);
    advance(24.5 * HOUR - 1);
    expect(await me(browser, url)).toBe(200);
    advance(1);
    expect(await me(browser, url)).toBe(401);
  });

  test("ends with the access token if its lifetime comes from the provider", async () => {
    const advance = stopClock();
    const login = {
      tokenStore: { enabled: true },
      cookieExpiration: { convention: "IdentityProviderDerived" as const },
    };
    const url = await openGate(around, frontendSettings({ login }));
    const browser = await signedIn(url);
    const { headers } = await echoed(await browser.request(`${url}/x`));
    const left = new Date(headers["x-ms-token-aad-expires-on"] ?? "").getTime() - Date.now();
    advance(left - 1);
    expect(await me(browser, url)).toBe(200);
    advance(1);
    expect(await me(browser, url)).toBe(401);
  });

  test("outlives its access token, which the app still gets until the session is refreshed", async () => {
    const advance = stopClock();
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    advance(2 * HOUR);
    const { headers } = await echoed(await browser.request(`${url}/x`));
    expect(headers["x-ms-token-aad-access-token"]).toMatch(/^eyJ/);
    expect(new Date(headers["x-ms-token-aad-expires-on"] ?? "").getTime()).toBeLessThan(Date.now());
  });

  test("that has ended is restored by /.auth/refresh within 72 hours", async () => {
    const advance = stopClock();
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    advance(80 * HOUR - 1);
    expect(await me(browser, url)).toBe(401);
    expect(await refresh(browser, url)).toBe(200);
    expect(await me(browser, url)).toBe(200);
    advance(8 * HOUR);
    expect(await me(browser, url)).toBe(401);
  });

  test.each([
    [undefined, 72],
    [1, 1],
    [0, 0],
  ])("cannot be refreshed past the extension of %s hours", async (tokenRefreshExtensionHours, hours) => {
    const advance = stopClock();
    const tokenStore = {
      enabled: true,
      ...(tokenRefreshExtensionHours !== undefined && { tokenRefreshExtensionHours }),
    };
    const url = await openGate(around, frontendSettings({ login: { tokenStore } }));
    const browser = await signedIn(url);
    advance((8 + hours) * HOUR + 1);
    expect(await refresh(browser, url)).toBe(401);
  });

  test("begins anew with each refresh", async () => {
    const advance = stopClock();
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    advance(7 * HOUR);
    expect(await refresh(browser, url)).toBe(200);
    advance(7 * HOUR);
    expect(await me(browser, url)).toBe(200);
  });

  test("is dropped when 10,000 others were used after it", () => {
    const sessions = new Sessions({ tokenStore: { enabled: true } });
    const signedIn = { claims: {}, idToken: "", accessToken: "", refreshToken: undefined, accessTokenExpiresAt: 0 };
    const first = sessions.open(signedIn satisfies SignedIn);
    const others = Array.from({ length: 10_000 }, () => sessions.open(signedIn));
    expect(sessions.find(first)).toBeUndefined();
    expect(others.every((id) => sessions.find(id) === signedIn)).toBe(true);
  });
});

describe("a sign-in on its way", () => {
  async function pickedAccount(url: string): Promise<{ browser: Browser; callback: string; setCookies: string[] }> {
    const browser = new Browser();
    const begun = await browser.request(`${url}/`);
    const picker = await browser.open(begun.headers.get("location") ?? "");
    const html = await picker.response.text();
    const action = new URL(/<form method="post" action="([^"]+)"/.exec(html)?.[1] ?? "", picker.url).href;
    const body = new URLSearchParams({
      ticket: /name="ticket" value="([^"]+)"/.exec(html)?.[1] ?? "",
      account: "works",
    });
    const picked = await browser.request(action, { method: "POST", body });
    return { browser, callback: picked.headers.get("location") ?? "", setCookies: begun.headers.getSetCookie() };
  }

  test.each([
    [5 * MINUTE - 1, 302],
    [5 * MINUTE + 1, 401],
  ])("that returns after %i ms is answered %i", async (milliseconds, status) => {
    const advance = stopClock();
    const url = await openGate(around, frontendSettings());
    const { browser, callback, setCookies } = await pickedAccount(url);
    expect(setCookies).toEqual([expect.stringContaining("; Max-Age=300")]);
    advance(milliseconds);
    expect((await browser.request(callback)).status).toBe(status);
  });

  test("may take as long as nonceExpirationInterval says", async () => {
    const advance = stopClock();
    const login = { tokenStore: { enabled: true }, nonce: { nonceExpirationInterval: "00:01:00" } };
    const url = await openGate(around, frontendSettings({ login }));
    const { browser, callback, setCookies } = await pickedAccount(url);
    expect(setCookies).toEqual([expect.stringContaining("; Max-Age=60")]);
    advance(MINUTE + 1);
    expect((await browser.request(callback)).status).toBe(401);
  });
});
