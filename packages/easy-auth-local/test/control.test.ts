import { decodeProtectedHeader } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { sendRaw } from "../../../test/support/raw-http.ts";
import { type Clock, startClock } from "../src/clock/clock.ts";
import { controlRoutes } from "../src/control/control-routes.ts";
import { API, createDirectory, FRONTEND } from "../src/directory/directory.ts";
import { createSigningKeys } from "../src/entra/keys.ts";
import { startEntra } from "../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../src/entra/tokens.ts";
import { Faults } from "../src/faults/faults.ts";
import type { LoopbackServer } from "../src/http/loopback-server.ts";

const directory = createDirectory();
const faults = new Faults(directory);
let clock: Clock;
let issuer: TokenIssuer;
let entra: LoopbackServer;
beforeAll(async () => {
  clock = startClock();
  issuer = createTokenIssuer(await createSigningKeys(inject("stateFolder")));
  entra = await startEntra({
    directory,
    issuer,
    faults,
    moreRoutes: controlRoutes({ directory, issuer, faults, clock }),
  });
});
afterEach(() => faults.clear());
afterAll(() => {
  clock.close();
  return entra.close();
});

const account = (key: string) => accountOf(directory, key);

async function pageText(): Promise<string> {
  return (await fetch(entra.url)).text();
}

/** Presses a button of the page; resolves to the page that follows. */
async function press(name: string, value = "yes", headers: Record<string, string> = {}): Promise<Response> {
  return fetch(entra.url, { method: "POST", body: new URLSearchParams({ [name]: value }), headers });
}

describe("the control page", () => {
  test("says that it is an emulator, and what every account is for", async () => {
    const html = await pageText();
    expect(html).toContain("Emulator of Microsoft Entra ID");
    for (const { key, profile } of directory.accounts) {
      expect(html).toContain(`<code>${key}</code>`);
      expect(html).toContain(profile.displayName);
    }
    expect(html).toContain("Everything works: a full profile.");
  });

  test("runs no script and loads nothing", async () => {
    const response = await fetch(entra.url);
    const policy = response.headers.get("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("script-src");
  });

  test("puts the clock forward", async () => {
    const before = clock.advancedSeconds;
    expect(await (await press("advance", "3700")).text()).toContain(`${before + 3700} s ahead`);
    await press("advance", "-3700");
    await press("advance", "1e99");
    expect(clock.advancedSeconds).toBe(before + 3700);
  });

  test("rotates the keys: signs with the next one, keeps the previous one, and publishes a new next one", async () => {
    const request = { account: account("works"), audience: API, scope: "user_impersonation" };
    const before = decodeProtectedHeader(await issuer.apiToken(request)).kid;
    await press("rotate-keys");
    const after = decodeProtectedHeader(await issuer.apiToken(request)).kid;
    expect(after).not.toBe(before);
    const published = await (await fetch(`${entra.url}/common/discovery/v2.0/keys`)).json();
    const ids = (published as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    // All files of a run share the folder of keys: another file may have rotated them before.
    expect(ids.slice(0, 3)).toEqual([expect.any(String), after, before]);
    expect(ids.length).toBeLessThanOrEqual(4);
  });

  test("names the accounts without consent, and withdraws consent that was granted", async () => {
    const links = async () => [...(await pageText()).matchAll(/>Consent for everyone to API</g)].length;
    const missing = () => pageText().then((text) => text.match(/missing for [^<]*/g));
    expect(await missing(), "of the API's; to sign in is all the consent that the frontend needs").toHaveLength(1);
    expect(await links(), "beside the account, and below").toBe(2);
    directory.consents.grant(API, { names: ["User.Read"] });
    expect(await links()).toBe(1);
    expect(await missing()).toBeNull();
    await press("withdraw-consents");
    expect(directory.consents.has(API, { names: ["User.Read"] }, account("no-consent"))).toBe(false);
  });

  test("shows the faults that are set, and clears them", async () => {
    faults.add({ service: "graph", account: "works", fault: { kind: "hang" } });
    expect(await pageText()).toContain("hang");
    await press("clear-faults");
    expect(faults.rules).toEqual([]);
  });

  test("sets a listed fault, for one user or everybody, once or until it is cleared", async () => {
    const set = (fields: Record<string, string>) =>
      fetch(entra.url, { method: "POST", body: new URLSearchParams({ "set-fault": "yes", ...fields }) });
    const throttles = "Graph throttles: 429, Retry-After 30";
    await set({ fault: throttles, "fault-account": "works", "fault-times": "2" });
    const page = await (await set({ fault: throttles, "fault-account": "", "fault-times": "" })).text();
    const fault = { kind: "status", status: 429, retryAfter: 30 };
    expect(faults.rules).toEqual([
      { service: "graph", account: "works", times: 2, fault },
      { service: "graph", fault },
    ]);
    expect(page).toContain("429");
  });

  test("offers only faults that can be set", async () => {
    const html = await pageText();
    const list = /<select name="fault">(.*?)<\/select>/s.exec(html)?.[1] ?? "";
    const offered = [...list.matchAll(/<option>(.*?)<\/option>/g)].map(([, words = ""]) =>
      words.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
    );
    expect(offered.length).toBeGreaterThan(10);
    for (const fault of offered) {
      const body = new URLSearchParams({ "set-fault": "yes", fault });
      expect((await fetch(entra.url, { method: "POST", body })).status, fault).toBe(200);
    }
    expect(faults.rules).toHaveLength(offered.length);
  });

  test("sets any other fault from JSON", async () => {
    const rule = { service: "entra", path: "/x", times: 1, fault: { kind: "hugeBody" } };
    const body = new URLSearchParams({ "set-rule": "yes", rule: JSON.stringify(rule) });
    await fetch(entra.url, { method: "POST", body });
    expect(faults.rules).toEqual([rule]);
  });

  test.each([
    ["no JSON", { "set-rule": "yes", rule: "{" }, "service has to be"],
    ["no rule", { "set-rule": "yes", rule: '{"service":"graph"}' }, "fault.kind has to be"],
    ["no fault of the list", { "set-fault": "yes", fault: "constructor" }, "fault.kind has to be"],
    ["no account", { "set-fault": "yes", fault: "Entra never answers", "fault-account": "<b>" }, "account has to be"],
  ])("says what is wrong with an invalid fault, and links back: %s", async (_what, fields, words) => {
    const response = await fetch(entra.url, { method: "POST", body: new URLSearchParams(fields) });
    const html = await response.text();
    expect(response.status).toBe(400);
    expect(html).toContain(words);
    expect(html).toContain('href="/"');
    expect(faults.rules).toEqual([]);
  });

  test("works whatever faults Entra has", async () => {
    faults.add({ service: "entra", fault: { kind: "status", status: 503 } });
    expect((await fetch(`${entra.url}/common/discovery/v2.0/keys`)).status).toBe(503);
    expect((await press("clear-faults")).status).toBe(200);
    expect(faults.rules).toEqual([]);
  });

  test("revokes an account's sessions", async () => {
    expect(await (await press("revoke", "works")).text()).toContain("Revoked: what was issued before");
    expect(directory.revocations.validFrom(account("works"))).toBeGreaterThan(Date.now() / 1000 - 60);
    expect(directory.revocations.validFrom(account("sparse"))).toBe(0);
  });

  test.each<[string, Record<string, string>]>([
    ["another origin", { origin: "https://evil.example" }],
    ["another port of this machine", { origin: "http://localhost:1" }],
    ["a sandbox", { origin: "null" }],
    ["another site, by a browser that names no origin", { "sec-fetch-site": "cross-site" }],
  ])("refuses requests from a page of %s", async (_, headers) => {
    const before = clock.advancedSeconds;
    expect((await press("advance", "3700", headers)).status).toBe(403);
    expect(clock.advancedSeconds).toBe(before);
  });
});

describe("/emulator/clock", () => {
  async function post(body: string, headers: Record<string, string> = { "content-type": "application/json" }) {
    return fetch(`${entra.url}/emulator/clock`, { method: "POST", headers, body });
  }

  test("reads the clock and puts it forward", async () => {
    const before = clock.advancedSeconds;
    const response = await post(JSON.stringify({ advanceSeconds: 3600 }));
    expect(await response.json()).toEqual({ now: expect.any(String), advancedSeconds: before + 3600 });
    const { now } = (await (await fetch(`${entra.url}/emulator/clock`)).json()) as { now: string };
    expect(Math.abs(Date.parse(now) - Date.now())).toBeLessThan(60_000);
  });

  test.each<[string, number, Record<string, string>]>([
    ['{"advanceSeconds":-1}', 400, {}],
    ['{"advanceSeconds":"3600"}', 400, {}],
    ["{}", 400, {}],
    ["null", 400, {}],
    ["{", 400, {}],
    ["advanceSeconds=3600", 415, { "content-type": "application/x-www-form-urlencoded" }],
    ['{"advanceSeconds":3600}', 403, { origin: "https://evil.example" }],
  ])("refuses %s with %i", async (body, status, headers) => {
    const before = clock.advancedSeconds;
    const response = await post(body, { "content-type": "application/json", ...headers });
    expect([response.status, clock.advancedSeconds]).toEqual([status, before]);
  });

  test("does not exist at Microsoft's host name", async () => {
    const headers = ["Host: login.microsoftonline.com", "Connection: close"];
    expect(await sendRaw(entra.url, "/emulator/clock", headers)).toMatchObject({ status: 404 });
  });
});

test("an emulator without a clock has no route for it, and its page says so", async () => {
  const other = await startEntra({ directory, issuer, moreRoutes: controlRoutes({ directory, issuer, faults }) });
  expect((await fetch(`${other.url}/emulator/clock`)).status).toBe(404);
  expect(await (await fetch(other.url)).text()).toContain("runs by the machine's clock");
  expect((await fetch(other.url, { method: "POST", body: new URLSearchParams({ advance: "60" }) })).status).toBe(200);
  await other.close();
});

test("text of accounts is escaped on the page", async () => {
  const name = `<script>alert(1)</script>`;
  const profile = { displayName: name, userPrincipalName: name };
  const stranger = { key: name, objectId: "x", shows: name, answer: name, consentToGraph: true, profile };
  const shown = createDirectory({ accounts: [stranger] });
  const moreRoutes = controlRoutes({ directory: shown, issuer, faults });
  const other = await startEntra({ directory: shown, issuer, moreRoutes });
  const authorize = `/common/oauth2/v2.0/authorize?client_id=${FRONTEND.clientId}`;
  for (const path of ["/", authorize]) expect(await (await fetch(other.url + path)).text()).not.toContain("<script>");
  await other.close();
});
