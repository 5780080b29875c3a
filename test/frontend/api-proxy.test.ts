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

  test("carries what the answer depends on", async () => {
    const backend = await serveRecordingBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const wanted = {
      accept: "image/*",
      "accept-encoding": "gzip",
      "accept-language": "de",
      "if-none-match": '"1"',
      "if-range": '"1"',
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

  test("a chunked body of a DELETE stays a body and does not become a second request", async () => {
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

  test("is not stored by the browser when the backend does not say", async () => {
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

  test("redirects are handed to the browser without following them, and without their address", async () => {
    const backendUrl = await serveBackend((_request, response) =>
      response.writeHead(302, { location: "https://login.example/" }).end(),
    );
    const { url } = await serveFrontend({ backendUrl });
    const { status, headers } = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect({ status, location: headers.location }).toEqual({ status: 302, location: undefined });
  });
});

test("two users at once get each their own answer", async () => {
  const backendUrl = await serveBackend((request, response) => void response.end(request.headers.authorization));
  const { url } = await serveFrontend({ backendUrl });
  const users = Array.from({ length: 50 }, (_, index) => `user-${index}`);
  const answers = await Promise.all(
    users.map((user) => send(url, "/api/profile", { headers: { "x-ms-token-aad-access-token": user } })),
  );
  expect(answers.map(({ body }) => body)).toEqual(users.map((user) => `Bearer ${user}`));
});
