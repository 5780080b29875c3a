import { describe, expect, test } from "vitest";
import { SIGNED_IN, send, serveBackend, serveFrontend, unusedUrl } from "./fixture.ts";

const NO_BACKEND = { backendUrl: "http://127.0.0.1:1" };

const SECURITY_HEADERS = {
  "content-security-policy": expect.stringMatching(/^default-src 'none'; .*; frame-ancestors 'none'$/),
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

describe("security headers", () => {
  test.each([
    ["page", "/", "GET", 200],
    ["session", "/session", "GET", 200],
    ["API's answer", "/api/profile", "GET", 200],
    ["404", "/nothing", "GET", 404],
    ["405", "/", "POST", 405],
  ])("are on the %s", async (_kind, path, method, status) => {
    const { url } = await serveFrontend({ backendUrl: await serveBackend() });
    expect(await send(url, path, { method, headers: SIGNED_IN })).toMatchObject({ status, headers: SECURITY_HEADERS });
  });

  test("are on a 304, a 401 and a 502 too", async () => {
    const { url } = await serveFrontend({ backendUrl: await unusedUrl() });
    const held = { "if-none-match": "*" };
    expect(await send(url, "/", { headers: held })).toMatchObject({ status: 304, headers: SECURITY_HEADERS });
    expect(await send(url, "/api/profile")).toMatchObject({ status: 401, headers: SECURITY_HEADERS });
    const failed = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect(failed).toMatchObject({ status: 502, headers: SECURITY_HEADERS });
  });

  test("cannot be loosened by the backend", async () => {
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(200, { "content-security-policy": "default-src *", "access-control-allow-origin": "*" }).end();
    });
    const { url } = await serveFrontend({ backendUrl });
    const { headers } = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect(headers).toMatchObject(SECURITY_HEADERS);
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  });

  test.each([
    ["https", "max-age=31536000"],
    ["http", undefined],
  ])("hold Strict-Transport-Security as it should be when the browser came over %s", async (scheme, expected) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { headers } = await send(url, "/", { headers: { "x-forwarded-proto": scheme } });
    expect(headers["strict-transport-security"]).toBe(expected);
  });
});

describe("the content security policy", () => {
  test("lets scripts reach only what the page needs, not the tokens at /.auth/me", async () => {
    expect(await policyFor({ host: "app.example:4280" })).toBe(
      "default-src 'none'; script-src app.example:4280/assets/; style-src app.example:4280/assets/; " +
        "img-src app.example:4280/assets/ blob:; " +
        "connect-src app.example:4280/api/ app.example:4280/session app.example:4280/.auth/refresh; " +
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    );
  });

  test.each([
    [{ "x-forwarded-host": "www.example, app.example" }, "www.example/assets/ app.example/assets/"],
    [{ "disguised-host": "app.azurewebsites.example" }, "app.azurewebsites.example/assets/ app.example/assets/"],
    [{ "x-forwarded-host": "app.example", "disguised-host": "app.example" }, "app.example/assets/"],
  ])("names each host that the browser may have asked for: %j", async (headers, sources) => {
    expect(await policyFor({ host: "app.example", ...headers })).toContain(`script-src ${sources};`);
  });

  test.each(["a b", "x; script-src *", "*", "*.example", "'unsafe-inline'", "a/b", ""])(
    "leaves out a host like %j",
    async (host) => {
      expect(await policyFor({ host: "app.example", "x-forwarded-host": host })).toContain(
        "script-src app.example/assets/;",
      );
    },
  );

  test("falls back to 'self' without a host that it can name", async () => {
    expect(await policyFor({ host: "[::1]:8080" })).toContain("script-src 'self';");
  });

  async function policyFor(headers: Record<string, string>): Promise<unknown> {
    const { url } = await serveFrontend(NO_BACKEND);
    return (await send(url, "/", { headers })).headers["content-security-policy"];
  }
});
