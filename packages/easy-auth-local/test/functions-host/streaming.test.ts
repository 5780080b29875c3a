import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import { type SendOptions, serve } from "./fixture-app.ts";
import {
  answerTo,
  gate,
  observeWorker,
  request,
  serveStreaming,
  serveStreamingHandler,
  writeStreamingApp,
} from "./streaming-app.ts";

/** A handler that answers with its input. */
const ECHO = `
  app.http("echo", {
    methods: ["GET", "POST"],
    route: "echo/{id?}",
    handler: async (request) => ({
      jsonBody: {
        method: request.method,
        url: request.url,
        params: request.params,
        query: [...request.query],
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      },
    }),
  });`;

async function echo(method: string, path: string, options?: SendOptions) {
  const { send } = await serveStreaming(ECHO);
  const answer = await send(method, path, options);
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body);
}

describe("with HTTP streaming, a function is given", () => {
  test("method and absolute URL", async () => {
    expect(await echo("GET", "/api/echo/7?x=1", { headers: ["Host", "127.0.0.1:7071"] })).toMatchObject({
      method: "GET",
      url: "http://127.0.0.1:7071/api/echo/7?x=1",
    });
  });

  test.each([
    ["announced", ["Content-Length", "5"]],
    ["in chunks", ["Transfer-Encoding", "chunked"]],
  ])("a body that is sent %s", async (_, headers) => {
    expect((await echo("POST", "/api/echo", { body: "hello", headers })).body).toBe("hello");
  });

  test.each(["GET", "POST"])("no body with a %s that has none", async (method) => {
    expect((await echo(method, "/api/echo")).body).toBe("");
  });

  test("both values of a repeated query parameter", async () => {
    const expected = [
      ["a", "1"],
      ["a", "2"],
    ];
    expect((await echo("GET", "/api/echo?a=1&a=2")).query).toEqual(expected);
  });

  test.each([
    ["/api/echo", {}],
    ["/api/echo/a%2Fb%20c", { id: "a%2Fb c" }],
    ["/api/echo?x=1&x=2&X=3", { X: "3" }],
    ["/api/echo/5?id=7&Id=8", { Id: "5" }],
    ["/api/echo/7?id=8", { id: "7" }],
    ["/api/echo/7?ID=8", { ID: "7" }],
    ["/api/echo?code=key&CODE=key&codes=1", { codes: "1" }],
    ["/api/echo?query=x", { query: "x" }],
    ["/api/echo?headers=x", { headers: "x" }],
  ])("the parameters of %s as %j", async (path, params) => {
    expect((await echo("GET", path)).params).toEqual(params);
  });

  test("header names in lower case, repeated headers joined with a comma", async () => {
    const headers = ["X-Name", "Ana", "X-Role", "reader", "x-role", "writer", "Cookie", "a=1", "Cookie", "b=2"];
    const given = await echo("GET", "/api/echo", { headers });
    expect(given.headers).toMatchObject({ "x-name": "Ana", "x-role": "reader,writer", cookie: "a=1,b=2" });
  });

  test("none of the headers that the host adds for the worker", async () => {
    const { headers } = await echo("GET", "/api/echo", { headers: ["X-Forwarded-Host", "caller"] });
    expect(headers["x-forwarded-host"]).toBe("caller");
    expect(Object.keys(headers)).not.toContain("x-forwarded-for");
    expect(Object.keys(headers)).not.toContain("x-ms-invocation-id");
  });

  test.each(["headers=x", "HEADERS=x"])("no headers at all when the query has %s", async (query) => {
    expect((await echo("GET", `/api/echo?${query}`, { headers: ["X-Name", "Ana"] })).headers).toEqual({});
  });

  test("the headers that the query has as JSON, in place of the real ones", async () => {
    const forged = encodeURIComponent(JSON.stringify({ "X-MS-CLIENT-PRINCIPAL-ID": "forged" }));
    const given = await echo("GET", `/api/echo?Headers=${forged}`, { headers: ["X-MS-CLIENT-PRINCIPAL-ID", "real"] });
    expect(given.headers).toEqual({ "x-ms-client-principal-id": "forged" });
  });

  test("its own invocation id, whatever id the client sends", async () => {
    const served = await serveStreamingHandler("(_, context) => ({ body: context.invocationId })");
    const headers = ["X-MS-Invocation-Id", "chosen-by-the-caller"];
    const answers = [1, 2].map(() => served.send("GET", "/api/f", { headers }));
    const ids = (await Promise.all(answers)).map(({ body }) => body);
    expect(ids).not.toContain("chosen-by-the-caller");
    expect(new Set(ids).size).toBe(2);
    expect(new Set(served.logs.map(({ invocationId }) => invocationId).filter(Boolean))).toEqual(new Set(ids));
  });
});

describe("with HTTP streaming, a function answers", () => {
  test.each([
    ["() => ({ jsonBody: { a: 1 } })", 200, '{"a":1}', "application/json"],
    ["() => ({ status: 404, body: 'none', headers: { 'content-type': 'text/x' } })", 404, "none", "text/x"],
    ["() => new HttpResponse({ status: 201, body: 'made' })", 201, "made", "text/plain;charset=UTF-8"],
    ["() => ({})", 200, "", undefined],
    ["() => ({ status: 204 })", 204, "", undefined],
    ["() => ({ status: 304 })", 304, "", undefined],
  ])("%s with %i", async (handler, status, body, contentType) => {
    const { send } = await serveStreamingHandler(handler);
    const answer = await send("GET", "/api/f");
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers["content-type"]).toBe(contentType);
  });

  test("with a content-length if the length is known, otherwise in chunks", async () => {
    const handler = `(request) => ({
      body: "hello",
      headers: request.query.has("length") ? { "content-length": "5" } : {},
    })`;
    const { send } = await serveStreamingHandler(handler);
    const known = await send("GET", "/api/f?length", { headers: ["Connection", "keep-alive"] });
    expect(known.headers).toMatchObject({ "content-length": "5", connection: "keep-alive" });
    expect(known.headers["transfer-encoding"]).toBeUndefined();
    const unknown = await send("GET", "/api/f");
    expect(unknown.headers).toMatchObject({ "transfer-encoding": "chunked" });
    expect([known.body, unknown.body]).toEqual(["hello", "hello"]);
  });

  test("the announced length of a longer body, and no more", async () => {
    const { send } = await serveStreamingHandler("() => ({ body: 'longer', headers: { 'content-length': '3' } })");
    expect(await send("GET", "/api/f")).toMatchObject({ status: 200, body: "lon" });
  });

  test("HEAD without a body", async () => {
    const { send } = await serveStreamingHandler("() => ({ headers: { etag: '1', 'content-length': '9' } })");
    expect(await send("HEAD", "/api/f")).toMatchObject({ body: "", headers: { etag: "1", "content-length": "9" } });
  });

  test("cookies as the library writes them", async () => {
    const { send } = await serveStreamingHandler(`() => ({
      cookies: [{ name: "a", value: "1", path: "/" }, { name: "b", value: "2", sameSite: "None", secure: true }],
    })`);
    const { headers } = await send("GET", "/api/f");
    expect(headers["set-cookie"]).toEqual(["a=1; Path=/", "b=2; Secure; SameSite=None"]);
  });

  test("with the custom headers of host.json unless it sets its own", async () => {
    const http = { customHeaders: { "X-Own": "host", "X-Content-Type-Options": "nosniff" } };
    const source = `app.get("f", () => ({ headers: { "x-own": "function" } }));`;
    const { send } = await serve(writeStreamingApp(source, { http }));
    const { headers } = await send("GET", "/api/f");
    expect(headers).toMatchObject({ "x-own": "function", "x-content-type-options": "nosniff" });
  });

  test("while its body is still being made", async () => {
    const body = gate("body");
    const handler = `() => ({ body: (async function* () { yield "first "; await body.opened; yield "second"; })() })`;
    const { url } = await serveStreamingHandler(handler);
    const answer = await answerTo(request(url, "/api/f").end());
    expect(String((await once(answer, "data"))[0])).toBe("first ");
    body.open();
    expect(await text(answer)).toBe("second");
  });

  test("while the request's body is still being sent", async () => {
    const handler = `(request) => ({ body: (async function* () { for await (const chunk of request.body) yield chunk; })() })`;
    const { url } = await serveStreamingHandler(handler);
    const sent = request(url, "/api/f", { method: "POST" });
    sent.write("ping");
    const answer = await answerTo(sent);
    expect(String((await once(answer, "data"))[0])).toBe("ping");
    sent.end("pong");
    expect(await text(answer)).toBe("pong");
  });

  test("a client whose upload it reads in part, and the host reads the rest", async () => {
    const { url } = await serveStreamingHandler(`async (request) => {
      for await (const chunk of request.body) return { status: 400, body: "enough" };
    }`);
    const sent = request(url, "/api/f", { method: "POST", headers: { connection: "keep-alive" } });
    const finished = once(sent, "finish");
    const answer = await answerTo(sent.end(Buffer.alloc(64 * 1024 * 1024)));
    expect([answer.statusCode, await text(answer)]).toEqual([400, "enough"]);
    await finished;
  });
});

describe("with HTTP streaming, 64 MB", () => {
  const SIZE = 64 * 1024 * 1024;
  const BUFFERED = 40 * 1024 * 1024; // more than the sockets of the two connections hold

  /** Resolves to the number once it no longer changes. */
  async function settled(read: () => number): Promise<number> {
    let before = -1;
    await vi.waitFor(
      () => {
        const now = read();
        const same = now === before;
        before = now;
        expect(same && now > 0).toBe(true);
      },
      { interval: 100, timeout: 10_000 },
    );
    return before;
  }

  test("come in no faster than the function reads", async () => {
    const reading = gate("reading");
    const { url } = await serveStreamingHandler(`async (request) => {
      let size = 0;
      for await (const chunk of request.body) { if (size === 0) await reading.opened; size += chunk.length; }
      return { body: String(size) };
    }`);
    const sent = request(url, "/api/f", { method: "POST" });
    let sentBytes = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const write = () => {
      while (sentBytes < SIZE) {
        sentBytes += chunk.length;
        if (!sent.write(chunk)) return;
      }
      sent.off("drain", write).end();
    };
    sent.on("drain", write);
    write();
    expect(await settled(() => sentBytes)).toBeLessThan(BUFFERED);
    reading.open();
    expect(await text(await answerTo(sent))).toBe(String(SIZE));
  });

  test("go out no faster than the client reads", async () => {
    const worker = observeWorker();
    const { url } = await serveStreamingHandler(
      `() => ({ body: (async function* () { for (let i = 0; i < 1024; i++) yield Buffer.alloc(65536); })() })`,
    );
    const answer = await answerTo(request(url, "/api/f").end());
    const notTaken = await settled(() => worker[0]?.response.writableLength ?? 0);
    expect(notTaken).toBeGreaterThan(SIZE - BUFFERED);
    let received = 0;
    for await (const chunk of answer) received += chunk.length;
    expect(received).toBe(SIZE);
  });
});
