import { describe, expect, test } from "vitest";
import { FRONTEND } from "../../src/directory/directory.ts";
import { Browser } from "../../src/test-kit/browser.ts";
import { echoed, frontendSettings, openGate, signedIn, stopClock, surroundings } from "./fixture.ts";

const around = surroundings();

const token = (changes: Record<string, unknown> = {}) => around.apiToken({ aud: FRONTEND.clientId, ...changes });

function login(url: string, body: unknown, query = ""): Promise<Response> {
  return fetch(`${url}/.auth/login/aad${query}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

interface Answer {
  readonly authenticationToken: string;
  readonly user: { readonly userId: string };
}

describe("POST /.auth/login/aad", () => {
  test("answers with a session token for X-ZUMO-AUTH", async () => {
    const url = await openGate(around, frontendSettings());
    const accessToken = await token();
    const response = await login(url, { access_token: accessToken });
    expect(response.status).toBe(200);
    const answer = (await response.json()) as Answer;
    expect(answer).toEqual({
      authenticationToken: expect.any(String),
      user: { userId: expect.stringMatching(/^sid:/) },
    });
    const headers = { "x-zumo-auth": answer.authenticationToken };
    const reached = await echoed(await fetch(`${url}/x`, { headers }));
    expect(reached.headers["x-ms-client-principal-id"]).toBe(around.account("works").objectId);
    expect(reached.headers["x-ms-token-aad-access-token"]).toBe(accessToken);
    expect(reached.headers["x-ms-token-aad-id-token"]).toBeUndefined();
    expect((await fetch(`${url}/.auth/me`, { headers })).status).toBe(200);
  });

  test("sets the session's cookie, unless session_mode=token is asked", async () => {
    const url = await openGate(around, frontendSettings());
    const body = { access_token: await token() };
    expect((await login(url, body)).headers.getSetCookie()).toEqual([expect.stringMatching(/^AppServiceAuthSession=/)]);
    expect((await login(url, body, "?session_mode=token")).headers.getSetCookie()).toEqual([]);
  });

  test("takes the ID token's claims, and refreshes with the refresh token", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    const [stored] = (await (await browser.request(`${url}/.auth/me`)).json()) as [Record<string, string>];
    const idToken = await around.issuer.idToken(around.account("works"), FRONTEND);
    const brought = { access_token: await token(), id_token: idToken, refresh_token: stored.refresh_token };
    const { authenticationToken } = (await (await login(url, brought)).json()) as Answer;
    const headers = { "x-zumo-auth": authenticationToken };
    const before = await echoed(await fetch(`${url}/x`, { headers }));
    expect(before.headers["x-ms-token-aad-id-token"]).toBe(idToken);
    expect((await fetch(`${url}/.auth/refresh`, { headers })).status).toBe(200);
    const after = await echoed(await fetch(`${url}/x`, { headers }));
    expect(after.headers["x-ms-token-aad-access-token"]).not.toBe(brought.access_token);
  });

  test.each([
    [{ expires_in: 60 }, 60],
    [{}, 600],
  ])("with %j stores a token that ends in %i s", async (more, seconds) => {
    stopClock();
    const url = await openGate(around, frontendSettings());
    const accessToken = await token({ exp: Math.floor(Date.now() / 1000) + 600 });
    const { authenticationToken } = (await (await login(url, { access_token: accessToken, ...more })).json()) as Answer;
    const { headers } = await echoed(await fetch(`${url}/x`, { headers: { "x-zumo-auth": authenticationToken } }));
    const left = new Date(headers["x-ms-token-aad-expires-on"] ?? "").getTime() - Date.now();
    expect(Math.ceil(left / 1000)).toBe(seconds);
  });

  test.each([
    ["a token for another audience", async () => ({ access_token: await token({ aud: "api://another" }) }), 401],
    ["something else than a token", async () => ({ access_token: "x" }), 401],
    [
      "an ID token for another app",
      async () => ({ access_token: await token(), id_token: await token({ aud: "x" }) }),
      401,
    ],
    ["no access token", async () => ({ id_token: await token() }), 400],
    ["an access token that is no text", async () => ({ access_token: 1 }), 400],
    ["no JSON", async () => "x", 400],
    ["null", async () => null, 400],
  ])("refuses %s with the matching status", async (_, body, status) => {
    const url = await openGate(around, frontendSettings());
    const response = await login(url, await body());
    expect(response.status).toBe(status);
    expect(response.headers.getSetCookie()).toEqual([]);
  });

  test("answers 413 to a body that is too large", async () => {
    const url = await openGate(around, frontendSettings());
    expect((await login(url, `"${"x".repeat(300_000)}"`)).status).toBe(413);
  });
});

describe("X-ZUMO-AUTH", () => {
  test("with an unknown session gets 401", async () => {
    const url = await openGate(around, frontendSettings());
    const browser = await signedIn(url);
    expect((await fetch(`${url}/x`, { headers: { "x-zumo-auth": "unknown" } })).status).toBe(401);
    expect((await browser.request(`${url}/.auth/me`, { headers: { "x-zumo-auth": "unknown" } })).status).toBe(401);
  });

  test("identifies nobody after signing out with it", async () => {
    const url = await openGate(around, frontendSettings());
    const { authenticationToken } = (await (await login(url, { access_token: await token() })).json()) as Answer;
    const headers = { "x-zumo-auth": authenticationToken };
    expect((await new Browser().request(`${url}/.auth/logout`, { headers })).status).toBe(302);
    expect((await fetch(`${url}/.auth/me`, { headers })).status).toBe(401);
  });
});
