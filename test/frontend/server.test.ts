import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Failure, type FailureCode } from "../../frontend/failure.ts";
import { answerFailure } from "../../frontend/problem.ts";
import { SIGNED_IN, send, serveBackend, serveFrontend } from "./fixture.ts";

const NO_BACKEND = { backendUrl: "http://127.0.0.1:1" };

describe("addresses", () => {
  test("OPTIONS * is answered 404", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    expect(await send(url, "*", { method: "OPTIONS" })).toMatchObject({ status: 404 });
  });

  test.each([
    "/nothing",
    "/index.html",
    "/tsconfig.json",
    "/api",
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2fetc/passwd",
    "/..%5c..%5cetc/passwd",
    "/%00",
    "//assets/style.css",
    "/style.css",
  ])("%s is answered 404", async (path) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { status, headers, body } = await send(url, path, { headers: SIGNED_IN });
    expect(status).toBe(404);
    expect(headers["content-type"]).toBe("application/problem+json");
    expect(JSON.parse(body)).toMatchObject({ code: "no_such_address", status: 404 });
  });

  test.each([
    "/api/../admin",
    "/api/%2e%2e/admin",
    "/api/..%2fadmin",
    "/api/..%5cadmin",
    "/api\\..\\..\\admin",
    "//elsewhere.example/api/profile",
    "http://elsewhere.example/api/profile",
  ])("%s never reaches the backend", async (path) => {
    const reached: unknown[] = [];
    const backendUrl = await serveBackend((request, response) => {
      reached.push(request.url);
      response.end();
    });
    const { url } = await serveFrontend({ backendUrl });
    expect(await send(url, path, { headers: SIGNED_IN })).toMatchObject({ status: 404 });
    expect(reached).toEqual([]);
  });

  test.each([
    ["/", "GET, HEAD"],
    ["/session", "GET, HEAD"],
    ["/health", "GET, HEAD"],
  ])("POST %s is answered 405 with the methods it allows", async (path, allow) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { status, headers, body } = await send(url, path, { method: "POST" });
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow });
    expect(JSON.parse(body)).toMatchObject({ code: "method_not_allowed" });
  });

  test("TRACE is refused, since its answer would repeat the access token", async () => {
    const { url } = await serveFrontend({ backendUrl: await serveBackend() });
    const { status, headers } = await send(url, "/api/profile", { method: "TRACE", headers: SIGNED_IN });
    expect({ status, allow: headers.allow }).toEqual({
      status: 405,
      allow: "GET, HEAD, DELETE, OPTIONS, PATCH, POST, PUT",
    });
  });
});

describe("GET /session", () => {
  test("tells the signed-in user's name and object id, and nothing else", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { headers, body } = await send(url, "/session", { headers: SIGNED_IN });
    expect(JSON.parse(body)).toEqual({
      name: "ada@contoso.example",
      user: SIGNED_IN["x-ms-client-principal-id"],
    });
    expect(headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
  });

  test("tells null when nobody is signed in", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    expect(JSON.parse((await send(url, "/session")).body)).toEqual({ name: null, user: null });
  });

  test.each([
    ["in UTF-8", Buffer.from("søren.müller@contoso.example"), "søren.müller@contoso.example"],
    ["in UTF-8, beyond Latin-1", Buffer.from("山田@contoso.example"), "山田@contoso.example"],
    ["in Latin-1", Buffer.from("søren@contoso.example", "latin1"), "søren@contoso.example"],
  ])("spells a name correctly that comes %s", async (_how, bytes, name) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const headers = { ...SIGNED_IN, "x-ms-client-principal-name": bytes.toString("latin1") };
    expect(JSON.parse((await send(url, "/session", { headers })).body)).toMatchObject({ name });
  });

  test("is served with the headers of a user in very many groups", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const headers = { ...SIGNED_IN, "x-ms-client-principal": "g".repeat(40_000) };
    expect(await send(url, "/session", { headers })).toMatchObject({ status: 200 });
  });
});

test.each(["/health", "/health?v=1"])(
  "GET %s answers without a user, without details, and is never cached",
  async (path) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const headers = { "cache-control": "no-store" };
    expect(await send(url, path)).toMatchObject({ status: 200, body: '{"status":"ok"}', headers });
  },
);

test("an idle connection is kept open longer than App Service's front end keeps it", async () => {
  const { url } = await serveFrontend(NO_BACKEND);
  const { headers } = await fetch(`${url}/health`);
  expect(Number(/timeout=(\d+)/.exec(headers.get("keep-alive") ?? "")?.[1])).toBeGreaterThan(230);
});

describe("a request from another site", () => {
  test.each([
    ["POST", "cross-site"],
    ["PUT", "cross-site"],
    ["PATCH", "cross-site"],
    ["DELETE", "cross-site"],
    ["POST", "same-site"],
  ])("%s with Sec-Fetch-Site %s is refused, since the session's cookie comes along", async (method, site) => {
    const { url } = await serveFrontend({ backendUrl: await serveBackend() });
    const answer = await send(url, "/api/profile", { method, headers: { ...SIGNED_IN, "sec-fetch-site": site } });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "cross_site_request" });
  });

  test("is served when it is a GET: following a link changes nothing", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    expect(await send(url, "/", { headers: { "sec-fetch-site": "cross-site" } })).toMatchObject({ status: 200 });
  });

  test.each(["same-origin", "none"])("does not include POST with Sec-Fetch-Site %s", async (site) => {
    const { url } = await serveFrontend({ backendUrl: await serveBackend() });
    const headers = { ...SIGNED_IN, "sec-fetch-site": site };
    expect(await send(url, "/api/profile", { method: "POST", headers })).toMatchObject({ status: 200 });
  });
});

test("GET /api/errors is answered by the frontend without a token, even when the API is down", async () => {
  const { url } = await serveFrontend(NO_BACKEND);
  expect(await send(url, "/api/errors")).toMatchObject({ status: 200, body: "(errors.html)" });
});

describe("the type of a problem", () => {
  test.each([
    [{ host: "app.example", "x-forwarded-proto": "https" }, "https://app.example/api/errors#no_such_address"],
    [{ host: "app.example:8080" }, "http://app.example:8080/api/errors#no_such_address"],
    [{ host: "app.example", "x-forwarded-host": "www.example" }, "http://www.example/api/errors#no_such_address"],
    [{ host: '"><script>' }, "/api/errors#no_such_address"],
  ])("for %j is %s", async (headers, type) => {
    const { url } = await serveFrontend(NO_BACKEND);
    expect(
      JSON.parse((await send(url, "/nothing", { headers: headers as Record<string, string> })).body),
    ).toMatchObject({ type });
  });

  test("has an entry with its status in docs/frontend-errors.md, which has no others", async () => {
    const document = readFileSync(new URL("../../docs/frontend-errors.md", import.meta.url), "utf8");
    const entries = [...document.matchAll(/^## (\w+)\n\nStatus (\d+)/gm)].map(([, code, status]) => [code, status]);
    expect(Object.fromEntries(entries)).toEqual(Object.fromEntries(await Promise.all(CODES.map(answeredStatus))));
  });

  const answers: Readonly<Record<FailureCode, true>> = {
    no_access_token: true,
    sign_in_refused: true,
    app_refused: true,
    cross_site_request: true,
    no_such_address: true,
    method_not_allowed: true,
    api_unreachable: true,
    api_timeout: true,
    frontend_failed: true,
  };
  const CODES = Object.keys(answers) as FailureCode[];

  async function answeredStatus(code: FailureCode): Promise<[string, string]> {
    const url = await serveBackend((request, response) => {
      answerFailure(request, response, new Failure(code), () => {});
    });
    return [code, String((await send(url, "/")).status)];
  }
});
