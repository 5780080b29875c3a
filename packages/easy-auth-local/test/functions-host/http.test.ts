import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { type SendOptions, serve, serveSource, writeApp } from "./fixture-app.ts";

/** A handler that answers with its input. */
const ECHO = `
  app.http("echo", {
    methods: ["GET", "POST"],
    route: "echo/{id?}",
    handler: async (request, context) => ({
      jsonBody: {
        method: request.method,
        url: request.url,
        params: request.params,
        query: Object.fromEntries(request.query),
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
        traceContext: context.traceContext,
      },
    }),
  });`;

async function echo(method: string, path: string, options?: SendOptions) {
  const { send } = await serveSource(ECHO);
  const answer = await send(method, path, options);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body);
}

/** Serves one function, "f", at /api/f. */
function serveHandler(handler: string, methods = '["GET", "HEAD", "POST"]') {
  return serveSource(`app.http("f", { methods: ${methods}, handler: ${handler} });`);
}

describe("a function is given", () => {
  test("method, absolute URL and route parameters", async () => {
    const given = await echo("GET", "/api/echo/a%2Fb%20c?x=1", { headers: ["Host", "127.0.0.1:7071"] });
    expect(given).toMatchObject({
      method: "GET",
      url: "http://127.0.0.1:7071/api/echo/a%2Fb%20c?x=1",
      params: { id: "a%2Fb c" },
    });
  });

  test("no route parameter that is missing in the path", async () => {
    expect((await echo("GET", "/api/echo")).params).toEqual({});
  });

  test("header names in lower case, repeated headers joined with a comma", async () => {
    const headers = ["X-Name", "Ana", "X-Role", "reader", "x-role", "writer", "Cookie", "a=1", "Cookie", "b=2"];
    const given = await echo("GET", "/api/echo", { headers });
    expect(given.headers).toMatchObject({ "x-name": "Ana", "x-role": "reader,writer", cookie: "a=1,b=2" });
  });

  test.each([
    ["?a=1&a=2", { a: "1,2" }],
    ["?a=1&A=2", { A: "1,2" }],
    ["?a=1&b=2", { a: "1", b: "2" }],
    ["?a", { a: "" }],
    ["?a=x+y%26z", { a: "x y&z" }],
    ["?a=1?2", { a: "1?2" }],
    ["", {}],
  ])("the parameters of the query %s as %j", async (query, expected) => {
    expect((await echo("GET", `/api/echo${query}`)).query).toEqual(expected);
  });

  test("a body with a content-length", async () => {
    const body = "grüße".repeat(100_000);
    const headers = ["Content-Length", String(Buffer.byteLength(body))];
    expect((await echo("POST", "/api/echo", { body, headers })).body).toBe(body);
  });

  test("no body for a chunked request", async () => {
    const given = await echo("POST", "/api/echo", { body: "hello", headers: ["Transfer-Encoding", "chunked"] });
    expect(given.body).toBe("");
  });

  test("the user from the client principal headers", async () => {
    const { send } = await serveHandler("(request) => ({ jsonBody: request.user })");
    const principal = Buffer.from(JSON.stringify({ auth_typ: "aad", claims: [] })).toString("base64");
    const headers = ["X-MS-CLIENT-PRINCIPAL", principal, "X-MS-CLIENT-PRINCIPAL-ID", "7"];
    headers.push("X-MS-CLIENT-PRINCIPAL-NAME", "ana", "X-MS-CLIENT-PRINCIPAL-IDP", "aad");
    expect(JSON.parse((await send("GET", "/api/f", { headers })).body)).toMatchObject({ id: "7", username: "ana" });
  });
});

describe("the trace context", () => {
  const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

  test("continues the client's trace with a new span", async () => {
    const headers = ["traceparent", `00-${TRACE_ID}-b7ad6b7169203331-01`, "tracestate", "vendor=value"];
    const { traceContext } = await echo("GET", "/api/echo", { headers });
    expect(traceContext.traceParent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    expect(traceContext.traceParent).not.toContain("b7ad6b7169203331");
    expect(traceContext.traceState).toBe("vendor=value");
  });

  test.each([
    ["no traceparent", []],
    ["an invalid traceparent", ["traceparent", "00-nonsense-01", "tracestate", "vendor=value"]],
  ])("is new with %s", async (_, headers) => {
    const { traceContext } = await echo("GET", "/api/echo", { headers });
    expect(traceContext.traceParent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(traceContext.traceParent).not.toContain(TRACE_ID);
    expect(traceContext.traceState).toBe("");
  });
});

describe("what a function returns", () => {
  test.each([
    ["() => ({ body: 'hello' })", 200, "hello", "text/plain;charset=UTF-8"],
    ["() => ({ jsonBody: { a: 1 } })", 200, '{"a":1}', "application/json"],
    ["() => ({ status: 404, body: 'none', headers: { 'content-type': 'text/x' } })", 404, "none", "text/x"],
    ["() => new HttpResponse({ status: 201, body: 'made' })", 201, "made", "text/plain;charset=UTF-8"],
    ["() => ({ body: new Uint8Array([111, 107]) })", 200, "ok", undefined],
    ["() => ({})", 200, "", undefined],
    ["() => undefined", 204, "", undefined],
    ["() => null", 204, "", undefined],
    ["() => ({ status: 304, body: 'dropped' })", 304, "", undefined],
    ["() => 'a string'", 500, "", undefined],
    ["() => 7", 500, "", undefined],
    ["() => ({ status: 42 })", 500, "", undefined],
    ["() => { throw new Error('secret') }", 500, "", undefined],
    ["async () => { throw 'secret' }", 500, "", undefined],
    ["() => ({ body: 'x', headers: { 'x-bad': 'a\\u0001b' } })", 500, "", "text/plain;charset=UTF-8"],
    ["() => ({ body: 'x', headers: { 'x-bad': 'é' } })", 500, "", "text/plain;charset=UTF-8"],
    [
      "() => ({ jsonBody: { a: 1 }, enableContentNegotiation: true })",
      200,
      '"eyJhIjoxfQ=="',
      "application/json; charset=utf-8",
    ],
  ])("%s is answered with %i", async (handler, status, body, contentType) => {
    const { send } = await serveHandler(handler);
    const answer = await send("GET", "/api/f");
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers["content-type"]).toBe(contentType);
    expect(answer.headers["x-bad"]).toBeUndefined();
  });

  test("is answered with 500 if a header cannot be sent, also for a POST with a body", async () => {
    const { send } = await serveHandler("() => ({ headers: { 'x-bad': 'a\\u0001b' } })");
    expect((await send("POST", "/api/f", { body: "x", headers: ["Content-Length", "1"] })).status).toBe(500);
  });

  test("is 500 without customHeaders when its body is longer than announced, and ends the connection", async () => {
    const source = `app.get("f", () => ({ body: "longer", headers: { "content-length": "3" } }));`;
    const { send } = await serveSource(source, { http: { customHeaders: { "x-own": "host" } } });
    const answer = await send("GET", "/api/f", { headers: ["Connection", "keep-alive"] });
    expect(answer).toMatchObject({ status: 500, body: "", headers: { connection: "close" } });
    expect(answer.headers["x-own"]).toBeUndefined();
  });

  test("is cut off at once when its body is shorter than announced, so that the next request gets no part of it", async () => {
    const { url } = await serveHandler("() => ({ body: 'short', headers: { 'content-length': '30' } })");
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET /api/f HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2));
    const received = await text(socket);
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*content-length: 30\r\n[\s\S]*short$/i);
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  test("is 500 when the function takes longer than functionTimeout, and the log says what Azure would do", async () => {
    const source = `app.get("f", () => new Promise(() => {}));`;
    const { send, logs } = await serveSource(source, { functionTimeout: "00:00:01" });
    expect(await send("GET", "/api/f")).toMatchObject({ status: 500, body: "" });
    expect(logs.at(-1)?.message).toMatch(
      /Timeout value was exceeded by function: Functions\.f\. In Azure, the host then ends/,
    );
  });

  test("keeps its content-length in answer to HEAD", async () => {
    const { send } = await serveHandler("() => ({ headers: { 'content-length': '30' } })");
    expect(await send("HEAD", "/api/f")).toMatchObject({ status: 200, body: "", headers: { "content-length": "30" } });
  });

  test("has no body in answer to HEAD", async () => {
    const { send } = await serveHandler("() => ({ body: 'hello', headers: { etag: '1' } })");
    const answer = await send("HEAD", "/api/f");
    expect(answer).toMatchObject({ status: 200, body: "", headers: { etag: "1" } });
  });
});

describe("a cookie", () => {
  test.each([
    ["{ name: 'a', value: 'b' }", "a=b; path=/"],
    ["{ name: 'a', value: 'b c;d' }", "a=b%20c%3Bd; path=/"],
    ["{ name: 'a', value: '', expires: new Date(0) }", "a=; path=/"],
    ["{ name: 'a', value: 'b', expires: new Date(1e12) }", "a=b; expires=Sun, 09 Sep 2001 01:46:40 GMT; path=/"],
    ["{ name: 'a', value: 'b', maxAge: 0 }", "a=b; max-age=0; path=/"],
    ["{ name: 'a', value: 'b', sameSite: 'None' }", "a=b; path=/; samesite=none"],
    [
      "{ name: 'a', value: 'b', domain: 'd', path: '/p', maxAge: 60, secure: true, httpOnly: true, sameSite: 'Lax' }",
      "a=b; max-age=60; domain=d; path=/p; secure; samesite=lax; httponly",
    ],
  ])("%s is set as %s", async (cookie, header) => {
    const { send } = await serveHandler(`() => ({ cookies: [${cookie}] })`);
    expect((await send("GET", "/api/f")).headers["set-cookie"]).toEqual([header]);
  });

  test("is set beside others and beside a set-cookie header", async () => {
    const { send } = await serveHandler(`() => ({
      headers: { "set-cookie": "h=1" },
      cookies: [{ name: "a", value: "1" }, { name: "b", value: "2" }],
    })`);
    expect((await send("GET", "/api/f")).headers["set-cookie"]).toEqual(["h=1", "a=1; path=/", "b=2; path=/"]);
  });
});

describe("the server", () => {
  test.each([
    ["GET", "/api/F", 200],
    ["HEAD", "/api/f", 200],
    ["GET", "/api/f/", 200],
    ["PUT", "/api/f", 404],
    ["OPTIONS", "/api/f", 404],
    ["GET", "/f", 404],
    ["GET", "/api/g", 404],
    ["GET", "//api/f", 404],
    ["GET", "http://other.example/api/f", 400],
    ["GET", "/api/../api/f", 200],
    ["GET", "/admin/host/ping", 200],
    ["GET", "/admin/host/status", 401],
    ["GET", "/admin/functions/f", 401],
    ["GET", "/runtime/webhooks/x", 401],
    ["GET", "/admin/other", 404],
    ["OPTIONS", "*", 404],
  ])("answers %s %s with %i", async (method, path, status) => {
    const { send } = await serveHandler("() => ({})");
    expect(await send(method, path)).toMatchObject({ status, body: "" });
  });

  test("has a home page", async () => {
    const { send } = await serveHandler("() => ({})");
    expect(await send("GET", "/?x=1")).toMatchObject({ status: 200, body: expect.stringContaining("running") });
  });

  test.each([
    ["", "/f", 200],
    ["", "/api/f", 404],
    ["v1/internal", "/v1/internal/f", 200],
  ])("with the route prefix %j answers %s with %i", async (routePrefix, path, status) => {
    const { send } = await serveSource(`app.http("f", { handler: () => ({}) });`, { http: { routePrefix } });
    expect((await send("GET", path)).status).toBe(status);
  });

  test.each(["/api/f", "/api/none", "/"])("adds the custom headers of host.json to %s", async (path) => {
    const customHeaders = { "X-Content-Type-Options": "nosniff" };
    const { send } = await serveSource(`app.http("f", { handler: () => ({}) });`, { http: { customHeaders } });
    expect((await send("GET", path)).headers["x-content-type-options"]).toBe("nosniff");
  });

  test("prefers a function's own header to a custom header", async () => {
    const source = `app.http("f", { handler: () => ({ headers: { "x-own": "function" } }) });`;
    const { send } = await serveSource(source, { http: { customHeaders: { "X-Own": "host" } } });
    expect((await send("GET", "/api/f")).headers["x-own"]).toBe("function");
  });

  test("runs and queues as many requests as host.json says, and answers 429 beyond", async () => {
    const http = { maxConcurrentRequests: 2, maxOutstandingRequests: 3, customHeaders: { "x-own": "host" } };
    const source = `
      let running = 0, most = 0;
      const gate = new Promise((resolve) => { globalThis.releaseAll = resolve; });
      app.get("f", async () => { most = Math.max(most, ++running); await gate; running--; return { body: String(most) }; });`;
    const { send } = await serveSource(source, { http });
    const answers = [1, 2, 3, 4].map(() => send("GET", "/api/f"));
    const refused = await Promise.race(answers);
    expect(refused).toMatchObject({ status: 429, body: "", headers: { "x-function-scaleout": "1" } });
    expect(refused.headers["x-own"], "the real host's queue answers before customHeaders").toBeUndefined();
    expect(await send("GET", "/api/none"), "only functions count").toMatchObject({ status: 404 });
    (globalThis as { releaseAll?: () => void }).releaseAll?.();
    const served = (await Promise.all(answers)).filter(({ status }) => status === 200);
    expect(served.map(({ body }) => body)).toEqual(["2", "2", "2"]);
    expect((await send("GET", "/api/f")).status).toBe(200);
  });

  test("has no such limits by default or with -1", async () => {
    const http = { maxConcurrentRequests: -1, maxOutstandingRequests: -1 };
    const { send } = await serveSource(`app.get("f", () => ({}));`, { http });
    const answers = await Promise.all(Array.from({ length: 50 }, () => send("GET", "/api/f")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test.each(["admin", "adminonly", "Runtime/x"])("does not serve the route %s, and says why", async (route) => {
    const source = `app.get("f", { route: ${JSON.stringify(route)}, handler: () => ({}) }); app.get("g", () => ({}));`;
    const { send, functions, logs } = await serveSource(source);
    expect(functions.map(({ name }) => name)).toEqual(["g"]);
    expect((await send("GET", `/api/${route}`)).status).toBe(404);
    expect(logs[0]).toMatchObject({
      level: "error",
      message: "The 'f' function is in error: The specified route conflicts with one or more built in routes.",
    });
  });

  test.each([
    ["GET", ["GET"], 1],
    ["GET", ["POST"], 2],
    ["GET", [], 1],
  ])(
    "serves, of two functions with one route, the second only for other methods: %s and %j",
    async (method, others, count) => {
      const handler = "handler: () => ({})";
      const bindings = `methods: ${JSON.stringify(others)}, route: "/A/", ${handler}`;
      const source = `app.http("one", { methods: ["${method}"], route: "a", ${handler} }); app.http("two", { ${bindings} });`;
      const { functions, logs } = await serveSource(others.length > 0 ? source : source.replace("methods: [], ", ""));
      expect(functions).toHaveLength(count);
      expect(
        logs.filter(({ message }) => message.includes("conflicts with the route defined by function 'one'")),
      ).toHaveLength(2 - count);
    },
  );

  test.each(["true", "1"])(
    "does not serve a function that AzureWebJobs.<name>.Disabled turns off with %s",
    async (off) => {
      const appRoot = writeApp(`app.get("f", () => ({})); app.get("g", () => ({}));`);
      const { send, functions, logs } = await serve(appRoot, { settings: { "AzureWebJobs.f.Disabled": off } });
      expect(functions.map(({ name }) => name)).toEqual(["g"]);
      expect((await send("GET", "/api/f")).status).toBe(404);
      expect(logs[0]?.message).toBe("Function f is disabled.");
    },
  );

  test.each([
    [30_000, 200],
    [33_000, 431],
  ])("answers a request with %i bytes of headers with %i", async (size, status) => {
    const { send } = await serveHandler("() => ({})");
    expect((await send("GET", "/api/f", { headers: ["X-Long", "x".repeat(size)] })).status).toBe(status);
  });

  test("refuses a body above 100 MB with 500, without reading it", async () => {
    const { send, logs } = await serveHandler("() => ({})");
    const answer = await send("POST", "/api/f", {
      headers: ["Connection", "keep-alive", "Content-Length", "104857601"],
      body: "the beginning",
    });
    expect(answer).toMatchObject({ status: 500, body: "", headers: { connection: "close" } });
    expect(logs).toEqual([]);
  });

  test("keeps serving after a client that leaves in the middle of its body", async () => {
    const { url, send, logs } = await serveHandler("() => ({})");
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("POST /api/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\nhalf");
    await once(socket, "data"); // "100 Continue": the host reads the body
    socket.destroy();
    expect((await send("GET", "/api/f")).status).toBe(200);
    expect(logs.map(({ level }) => level)).toEqual(["information", "information"]);
  });

  test.each(["evil.example", "evil.example:7071", "localhost.evil.example"])(
    "refuses requests for the host %s",
    async (host) => {
      const { send } = await serveHandler("() => ({})");
      expect((await send("GET", "/api/f", { headers: ["Host", host] })).status).toBe(421);
    },
  );

  test("does not mistake one request for another under load", async () => {
    const { url } = await serveSource(ECHO);
    const ids = Array.from({ length: 200 }, (_, index) => `user-${index}`);
    const seen = await Promise.all(
      ids.map(
        async (id) => ((await (await fetch(`${url}/api/echo/${id}`)).json()) as { params: { id: string } }).params.id,
      ),
    );
    expect(seen).toEqual(ids);
  });
});
