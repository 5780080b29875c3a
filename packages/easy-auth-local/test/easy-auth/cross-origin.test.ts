import http from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { apiSettings, frontendSettings, openGate, signedIn, surroundings } from "./fixture.ts";

const around = surroundings();
const PAGE = "https://page.example";
const PREFLIGHT = { origin: PAGE, "access-control-request-method": "PUT" };

const corsOf = (response: Response) =>
  Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"));

describe("a preflight", () => {
  const options = (url: string, headers: Record<string, string>) => fetch(`${url}/x`, { method: "OPTIONS", headers });

  test("is answered before authentication, for an origin that is listed", async () => {
    const url = await openGate(around, apiSettings(), { cors: { allowedOrigins: [PAGE] } });
    const response = await options(url, { ...PREFLIGHT, "access-control-request-headers": "authorization, x-a" });
    expect(response.status).toBe(204);
    expect(corsOf(response)).toEqual({
      "access-control-allow-origin": PAGE,
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "authorization, x-a",
      vary: "Origin",
    });
  });

  test.each([`${PAGE}:8080`, "http://page.example", `${PAGE}.evil.example`, "null"])(
    "allows nothing to %s, which is not exactly a listed origin",
    async (origin) => {
      const url = await openGate(around, apiSettings(), { cors: { allowedOrigins: [PAGE] } });
      const response = await options(url, { ...PREFLIGHT, origin });
      expect([response.status, corsOf(response)]).toEqual([204, {}]);
    },
  );

  test("allows cookies if the gate supports credentials, but never for all origins", async () => {
    const one = await openGate(around, apiSettings(), { cors: { allowedOrigins: [PAGE], supportCredentials: true } });
    expect(corsOf(await options(one, PREFLIGHT))["access-control-allow-credentials"]).toBe("true");
    const all = await openGate(around, apiSettings(), { cors: { allowedOrigins: ["*"], supportCredentials: true } });
    const answer = corsOf(await options(all, PREFLIGHT));
    expect(answer["access-control-allow-origin"]).toBe("*");
    expect(answer["access-control-allow-credentials"]).toBeUndefined();
  });

  test.each([
    ["without Access-Control-Request-Method", { origin: PAGE }],
    ["without Origin", { "access-control-request-method": "PUT" }],
  ])("%s counts as an ordinary request and needs a token", async (_, headers) => {
    const url = await openGate(around, apiSettings(), { cors: { allowedOrigins: [PAGE] } });
    expect((await options(url, headers)).status).toBe(401);
  });

  test("needs a token where the platform's CORS is not set", async () => {
    const url = await openGate(around, apiSettings());
    expect((await options(url, PREFLIGHT)).status).toBe(401);
  });
});

describe("an answer to a page of a listed origin", () => {
  test("is readable for it, including the gate's own refusals", async () => {
    const url = await openGate(around, apiSettings(), { cors: { allowedOrigins: [PAGE] } });
    const headers = { origin: PAGE, authorization: `Bearer ${await around.apiToken()}` };
    const allowed = { "access-control-allow-origin": PAGE, vary: "Origin" };
    expect(corsOf(await fetch(`${url}/x`, { headers }))).toEqual(allowed);
    const refused = await fetch(`${url}/x`, { headers: { origin: PAGE } });
    expect([refused.status, corsOf(refused)]).toEqual([401, allowed]);
  });

  test("has the platform's CORS headers, not the app's", async () => {
    const app = await listenOnLoopback(
      http.createServer((_, response) => {
        response
          .setHeaders(
            new Map([
              ["access-control-allow-origin", "*"],
              ["vary", "Accept"],
            ]),
          )
          .end();
      }),
      0,
    );
    onTestFinished(() => app.close());
    const options = { upstream: app.url, cors: { allowedOrigins: [PAGE] } };
    const url = await openGate(around, apiSettings(), options);
    const authorization = `Bearer ${await around.apiToken()}`;
    const listed = await fetch(`${url}/x`, { headers: { origin: PAGE, authorization } });
    expect(corsOf(listed)).toEqual({ "access-control-allow-origin": PAGE, vary: "Accept, Origin" });
    const other = await fetch(`${url}/x`, { headers: { origin: "https://other.example", authorization } });
    expect(corsOf(other)).toEqual({ vary: "Accept" });
  });
});

describe("a POST by a browser with a session", () => {
  const login = { tokenStore: { enabled: true }, allowedExternalRedirectUrls: ["https://trusted.example/app"] };
  const cors = { allowedOrigins: [PAGE] };

  test.each([
    ["no origin", {}, 403],
    ["this site's origin", { origin: "self" }, 200],
    ["this site's page as referrer", { referer: "self/page" }, 200],
    ["an origin that is allowed for redirects", { origin: "https://trusted.example" }, 200],
    ["a referrer that is allowed for redirects", { referer: "https://trusted.example/x" }, 200],
    ["an origin that CORS allows", { origin: PAGE }, 200],
    ["a referrer that CORS allows", { referer: `${PAGE}/x` }, 403],
    ["another origin", { origin: "https://evil.example" }, 403],
    ["another origin and a good referrer", { origin: "https://evil.example", referer: "self/page" }, 403],
    ["an opaque origin", { origin: "null" }, 403],
    ["a referrer that is no URL", { referer: "x" }, 403],
  ])("with %s is answered $2", async (_, headers: Record<string, string>, status) => {
    const url = await openGate(around, frontendSettings({ login }), { cors });
    const browser = await signedIn(url);
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace("self", url)]));
    const response = await browser.request(`${url}/x`, { method: "POST", headers: sent });
    expect(response.status).toBe(status);
  });

  test("is checked for its origin; a GET, a program and a bearer call are not", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    expect((await browser.request(`${url}/x`)).status).toBe(200);
    const cookie = `AppServiceAuthSession=${browser.cookie("AppServiceAuthSession")}`;
    expect((await fetch(`${url}/x`, { method: "POST", headers: { cookie } })).status).toBe(200);
    const api = await openGate(around, apiSettings());
    const headers = { authorization: `Bearer ${await around.apiToken()}`, "user-agent": "Mozilla/5.0" };
    expect((await fetch(`${api}/x`, { method: "POST", headers })).status).toBe(200);
  });
});
