import { describe, expect, test } from "vitest";
import { ACCESS_TOKEN, SIGNED_IN, send, serveBackend, serveFrontend, serveRecordingBackend } from "./fixture.ts";

describe("the request to the backend", () => {
  test("carries the user's access token as bearer", async () => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    await send(url, "/api/profile?select=displayName,mail", { headers: SIGNED_IN });
    expect(backend.received).toMatchObject([
      {
        method: "GET",
        url: "/api/profile?select=displayName,mail",
        headers: { authorization: `Bearer ${ACCESS_TOKEN}` },
      },
    ]);
  });

  test("carries no cookie, no X-MS-* header, and nobody else's Authorization", async () => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const headers = { ...SIGNED_IN, authorization: "Bearer forged", "x-forwarded-for": "1.2.3.4", "x-other": "x" };
    await send(url, "/api/profile", { headers });
    expect(Object.keys(backend.received[0]?.headers ?? {}).sort()).toEqual(["authorization", "connection", "host"]);
    expect(JSON.stringify(backend.received)).not.toMatch(/secret|forged|x-ms-/i);
  });

  test("carries the headers on which the answer depends", async () => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const wanted = {
      accept: "image/*",
      "accept-encoding": "gzip",
      "accept-language": "de",
      "if-match": '"1"',
      "if-modified-since": "Sun, 01 Nov 2026 10:00:00 GMT",
      "if-none-match": '"other", "1"',
      "if-range": '"1"',
      "if-unmodified-since": "Sun, 01 Nov 2026 10:00:00 GMT",
      range: "bytes=0-9",
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
      tracestate: "a=b",
    };
    await send(url, "/api/photo", { headers: { ...SIGNED_IN, ...wanted } });
    expect(backend.received[0]?.headers).toMatchObject(wanted);
  });

  test.each(["POST", "PUT", "PATCH", "DELETE"])("carries the body of a %s", async (method) => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const headers = { ...SIGNED_IN, "content-type": "application/json", "content-length": "7" };
    await send(url, "/api/notes", { method, headers, body: '{"a":1}' });
    expect(backend.received).toMatchObject([
      { method, body: '{"a":1}', headers: { "content-type": "application/json", "content-length": "7" } },
    ]);
  });

  test("carries the chunked body of a DELETE as a body, not as a second request", async () => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const smuggled = "GET /api/smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    const headers = { ...SIGNED_IN, "transfer-encoding": "chunked" };
    await send(url, "/api/notes", { method: "DELETE", headers, body: smuggled });
    expect(backend.received).toMatchObject([{ method: "DELETE", url: "/api/notes", body: smuggled }]);
  });
});

describe("the backend's answer", () => {
  test("passes through with status and the headers a browser needs, and sets no cookie here", async () => {
    const passed = {
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=60",
      "content-disposition": "attachment",
      "content-language": "en",
      "content-range": "bytes 0-3/10",
      "content-type": "image/jpeg",
      etag: '"1"',
      vary: "accept-encoding",
      "last-modified": "Sun, 01 Nov 2026 10:00:00 GMT",
      "x-correlation-id": "c-1",
    };
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(206, { ...passed, "set-cookie": "a=b", server: "Kestrel" }).end("1234");
    });
    const { url } = await serveFrontend({ backendUrl });
    const { status, headers, body } = await send(url, "/api/photo", { headers: SIGNED_IN });
    const { "content-language": _dropped, ...expected } = passed;
    expect({ status, body }).toEqual({ status: 206, body: "1234" });
    expect(headers).toMatchObject(expected);
    for (const name of ["set-cookie", "server", "content-language"]) expect(headers).not.toHaveProperty(name);
  });

  test("is not stored by the browser when the backend sets no Cache-Control", async () => {
    const { url } = await serveFrontend({ backendUrl: await serveBackend() });
    const { headers } = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("passes through unchanged when it is problem+json, with its challenge and Retry-After", async () => {
    const problem = '{ "title":"Another sign-in step is needed", "code":"claims_challenge", "correlationId":"c-1" }';
    const sent = {
      "content-type": "application/problem+json",
      "retry-after": "7",
      "www-authenticate": 'Bearer error="insufficient_claims", claims="eyJ9"',
    };
    const backendUrl = await serveBackend((_request, response) => void response.writeHead(401, sent).end(problem));
    const { url, logged } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect(answer).toMatchObject({ status: 401, body: problem, headers: sent });
    expect(logged).toEqual([]);
  });

  test("to HEAD has the headers and no body", async () => {
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(200, { "content-length": "10" }).end();
    });
    const { url } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/profile", { method: "HEAD", headers: SIGNED_IN });
    expect(answer).toMatchObject({ status: 200, body: "", headers: { "content-length": "10" } });
  });

  test("304 passes through", async () => {
    const backendUrl = await serveBackend((_request, response) => response.writeHead(304, { etag: '"1"' }).end());
    const { url } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/photo", { headers: { ...SIGNED_IN, "if-none-match": '"1"' } });
    expect(answer).toMatchObject({ status: 304, body: "", headers: { etag: '"1"' } });
  });

  test.each(["GET", "HEAD"])("a redirect to %s is handed to the browser as it is, and not followed", async (method) => {
    const redirect = {
      "cache-control": "no-store",
      location: "https://files.example/docs/report.pdf?sv=2025-11-05&sig=a%2Fb%3D",
      "referrer-policy": "no-referrer",
    };
    const backendUrl = await serveBackend((_request, response) => response.writeHead(302, redirect).end());
    const { url, logged } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/files/report.pdf", { method, headers: SIGNED_IN });
    expect(answer).toMatchObject({ status: 302, body: "", headers: redirect });
    expect(logged).toEqual([]);
  });

  test.each([
    [206, { "content-range": "bytes 4-7/12", "accept-ranges": "bytes", etag: '"1"' }],
    [412, { etag: '"1"' }],
    [416, { "content-range": "bytes */12" }],
  ])("%i to a condition or a range passes through", async (status, sent) => {
    const backendUrl = await serveBackend((_request, response) => response.writeHead(status, sent).end("part"));
    const { url } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/files/a", { headers: { ...SIGNED_IN, range: "bytes=4-7" } });
    expect(answer).toMatchObject({ status, body: "part", headers: sent });
  });

  test("names the user whose token the backend got, by the object id that Easy Auth tells", async () => {
    const backendUrl = await serveBackend((_request, response) =>
      response.writeHead(200, { "x-signed-in-user": "made up" }).end(),
    );
    const { url } = await serveFrontend({ backendUrl });
    const { headers } = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect(headers["x-signed-in-user"]).toBe(SIGNED_IN["x-ms-client-principal-id"]);
    const { "x-ms-client-principal-id": _id, ...unknown } = SIGNED_IN;
    expect((await send(url, "/api/profile", { headers: unknown })).headers).not.toHaveProperty("x-signed-in-user");
  });
});

describe("a refusal by the API's gate, which says nothing", () => {
  const challenge = 'Bearer realm="api.example" resource_id="1"';

  test.each([
    [401, "sign_in_refused", "an empty body", { "content-length": "0" }, ""],
    [401, "sign_in_refused", "a page", { "content-type": "text/html" }, "You do not have permission"],
    [403, "app_refused", "an empty body", { "content-length": "0" }, ""],
    [403, "app_refused", "a page", { "content-type": "text/html; charset=utf-8" }, "<h1>Ip Forbidden</h1>"],
  ])("(%i) gets the code %s, a detail, and the log's correlation id: %s", async (status, code, _what, sent, body) => {
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(status, { ...(sent as object), "www-authenticate": challenge }).end(body);
    });
    const { url, logged } = await serveFrontend({ backendUrl });
    const answer = await send(url, "/api/profile", { headers: SIGNED_IN });
    const problem = JSON.parse(answer.body);
    expect(answer).toMatchObject({ status, headers: { "www-authenticate": challenge } });
    expect(problem).toMatchObject({ code, type: `${url}/api/errors#${code}` });
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([
      { code, correlationId: problem.correlationId, hint: expect.stringContaining("allowedAudiences") },
    ]);
  });

  test.each(["text/plain", "application/json"])("is not an answer of the API itself in %s", async (contentType) => {
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(403, { "content-type": contentType }).end("not yours");
    });
    const { url } = await serveFrontend({ backendUrl });
    expect(await send(url, "/api/orders/7", { headers: SIGNED_IN })).toMatchObject({
      status: 403,
      body: "not yours",
    });
  });
});

test("two users at once each get their own answer", async () => {
  const backendUrl = await serveBackend((request, response) => void response.end(request.headers.authorization));
  const { url } = await serveFrontend({ backendUrl });
  const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);
  const answers = await Promise.all(
    users.map((user) => send(url, "/api/profile", { headers: { "x-ms-token-aad-access-token": user } })),
  );
  expect(answers.map(({ body }) => body)).toEqual(users.map((user) => `Bearer ${user}`));
});
