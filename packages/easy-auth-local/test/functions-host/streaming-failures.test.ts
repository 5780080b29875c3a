import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import { type ServedApp, serve } from "./fixture-app.ts";
import {
  answerTo,
  gate,
  observeWorker,
  request,
  serveStreaming,
  serveStreamingHandler,
  stubbed,
  writeStreamingApp,
} from "./streaming-app.ts";

const SHORTLY = { activityTimeoutMs: 500 };
const WAITS_IN_VAIN =
  /^The client waits in vain, until nothing has moved for 0\.5 s: .*nodejs-library\/issues\/324\)\.$/;
const STREAM_FOREVER = `() => ({ body: (async function* () { yield "first"; await body.opened; yield "second"; })() })`;

function errors({ logs }: ServedApp): string[] {
  return logs.filter(({ level }) => level === "error").map(({ message }) => message);
}

describe("with HTTP streaming, the only answer is 500 after the inactivity time-out when", () => {
  test.each([
    ["the function throws", "() => { throw new Error('down') }", "", "Exception: down"],
    ["the function returns nothing", "() => undefined", "", "ForwarderError: RequestTimedOut"],
    ["the function returns a string", "() => 'text'", "", "must be an object"],
    ["its arguments cannot be made", "() => ({})", "?Headers=[1]", "Exception: "],
  ])("%s, and the log says why", async (_, handler, query, exception) => {
    const served = await serveStreamingHandler(handler, SHORTLY);
    expect(await served.send("GET", `/api/f${query}`)).toMatchObject({ status: 500, body: "" });
    expect(errors(served)).toEqual([
      expect.stringMatching(WAITS_IN_VAIN),
      expect.stringMatching(/^Executed 'Functions\.f' \(Failed, /),
      expect.stringContaining(exception),
    ]);
    const ids = served.logs.filter(({ functionName }) => functionName === "f").map(({ invocationId }) => invocationId);
    expect(new Set(ids).size).toBe(1);
  });

  test.each(["preInvocation", "postInvocation"])("a %s hook throws", async (hook) => {
    const source = `app.hook.${hook}(() => { throw new Error("hook"); }); app.get("f", () => ({}));`;
    const served = await serveStreaming(source, SHORTLY);
    expect((await served.send("GET", "/api/f")).status).toBe(500);
    expect(errors(served)[0]).toMatch(WAITS_IN_VAIN);
  });

  test("the function is too slow, of which the log does not say that it never answers", async () => {
    const [body, ended] = [gate("body"), stubbed("ended")];
    const handler = "async () => { await body.opened; ended(); throw new Error('late'); }";
    const served = await serveStreamingHandler(handler, SHORTLY);
    expect((await served.send("GET", "/api/f")).status).toBe(500);
    body.open();
    await vi.waitFor(() => expect(ended).toHaveBeenCalled(), 10_000);
    expect(errors(served)).toEqual([
      expect.stringContaining("(Failed, "),
      expect.stringContaining("Exception: Failed to proxy request with ForwarderError: RequestTimedOut"),
    ]);
  });
});

test("with HTTP streaming, the host waits 240 seconds by default", async () => {
  const served = await serveStreamingHandler("() => undefined");
  request(served.url, "/api/f").end();
  await vi.waitFor(() => expect(errors(served)[0]).toContain("until nothing has moved for 240 s"), 10_000);
});

describe("with HTTP streaming, the client's connection breaks in the middle of the body when", () => {
  test("the body throws, after the inactivity time-out", async () => {
    const handler = `() => ({ body: (async function* () { yield "first"; throw new Error("half"); })() })`;
    const served = await serveStreamingHandler(handler, SHORTLY);
    await expect(served.send("GET", "/api/f")).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(errors(served)).toEqual([
      expect.stringMatching(WAITS_IN_VAIN),
      expect.stringContaining("(Failed, "),
      expect.stringContaining("Exception: half"),
    ]);
  });

  test.each([
    ["in chunks", "{}"],
    ["of announced length", "{ 'content-length': '11' }"],
  ])("the worker's connection breaks, with a body %s", async (_, headers) => {
    const worker = observeWorker();
    gate("body");
    const handler = STREAM_FOREVER.replace("({", `({ headers: ${headers},`);
    const served = await serveStreamingHandler(handler);
    const answer = await answerTo(request(served.url, "/api/f").end());
    await once(answer, "data");
    worker[0]?.request.socket.destroy();
    await expect(text(answer)).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(answer.complete).toBe(false);
    await vi.waitFor(() => expect(errors(served)[1]).toContain("ForwarderError: ResponseBodyDestination"), 10_000);
  });
});

test("with HTTP streaming, a request is answered 500 if the worker breaks the connection before the headers", async () => {
  const worker = observeWorker();
  gate("body");
  const served = await serveStreamingHandler("async () => { await body.opened; return {}; }");
  const answered = served.send("GET", "/api/f");
  await vi.waitFor(() => expect(worker).toHaveLength(1), 10_000);
  worker[0]?.request.socket.destroy();
  expect(await answered).toMatchObject({ status: 500, body: "" });
  expect(errors(served)[1]).toContain("Failed to proxy request with ForwarderError: Request");
});

describe("with HTTP streaming, a client who leaves", () => {
  test("during the answer ends the connection to the worker, and the invocation", async () => {
    const worker = observeWorker();
    gate("body");
    const served = await serveStreamingHandler(STREAM_FOREVER);
    const sent = request(served.url, "/api/f").end();
    await once(await answerTo(sent), "data");
    const [call] = worker;
    sent.destroy();
    await vi.waitFor(() => expect(call?.response.destroyed).toBe(true), 10_000);
    expect(call?.response.writableFinished).toBe(false);
    await vi.waitFor(() => expect(served.logs.at(-1)?.message).toContain("(Canceled: the client left, "), 10_000);
    expect(errors(served)).toEqual([]);
  });

  test("in the middle of an upload breaks that body off for the function", async () => {
    const reading = stubbed("reading");
    const served = await serveStreamingHandler(`async (request) => {
      try { for await (const chunk of request.body) reading(Buffer.from(chunk).toString()); reading("whole"); } catch { reading("broken"); }
    }`);
    const sent = request(served.url, "/api/f", { method: "POST", headers: { "content-length": 10 } });
    sent.write("half");
    await vi.waitFor(() => expect(reading).toHaveBeenCalled(), 10_000);
    sent.destroy();
    await vi.waitFor(() => expect(reading.mock.calls).toEqual([["half"], ["broken"]]), 10_000);
    expect((await served.send("GET", "/api/none")).status).toBe(404);
  });
});

describe("with HTTP streaming, the worker's server", () => {
  test("accepts half as many bytes of headers as the host", async () => {
    const { send } = await serveStreamingHandler("() => ({})");
    expect((await send("GET", "/api/f", { headers: ["X-Long", "x".repeat(15_000)] })).status).toBe(200);
  });

  test("gets no body above 100 MB, which the host refuses with 500", async () => {
    const worker = observeWorker();
    const { send } = await serveStreamingHandler("() => ({})");
    const headers = ["Connection", "keep-alive", "Content-Length", "104857601"];
    const answer = await send("POST", "/api/f", { headers, body: "the beginning" });
    expect(answer).toMatchObject({ status: 500, body: "", headers: { connection: "close" } });
    expect(worker).toEqual([]);
  });
});

test("with HTTP streaming, a function counts as running until its body is sent", async () => {
  const body = gate("body");
  const http = { maxOutstandingRequests: 1 };
  const served = await serve(writeStreamingApp(`app.get("f", ${STREAM_FOREVER});`, { http }));
  const answer = await answerTo(request(served.url, "/api/f").end());
  await once(answer, "data");
  expect((await served.send("GET", "/api/f")).status).toBe(429);
  expect(served.logs.filter(({ message }) => message.startsWith("Executed"))).toEqual([]);
  body.open();
  expect(await text(answer)).toBe("second");
  await vi.waitFor(() => expect(served.logs.at(-1)?.message).toContain("(Succeeded, "));
  expect(errors(served)).toEqual([]);
  expect((await served.send("GET", "/api/f")).status).toBe(200);
});

test("with HTTP streaming, no function runs for a client who has left before its turn", async () => {
  const [body, ran] = [gate("body"), stubbed("ran")];
  const answers: ServerResponse[] = [];
  const source = `app.get("f", () => { ran(); return (${STREAM_FOREVER})(); });`;
  const { url, send } = await serve(writeStreamingApp(source, { http: { maxConcurrentRequests: 1 } }), {
    onServer: (server) => void server.on("request", (_, answer) => answers.push(answer)),
  });
  const first = await answerTo(request(url, "/api/f").end());
  const second = request(url, "/api/f").end();
  await vi.waitFor(() => expect(answers).toHaveLength(2), 10_000);
  second.destroy();
  await vi.waitFor(() => expect(answers[1]?.destroyed).toBe(true), 10_000);
  body.open();
  await text(first);
  expect((await send("GET", "/api/f")).status).toBe(200);
  expect(ran).toHaveBeenCalledTimes(2);
});

describe("with HTTP streaming, a request that does not reach the function", () => {
  const UNREACHED: readonly (readonly [what: string, headers: readonly string[], reason: string])[] = [
    ["a header outside ASCII", ["X-A", "caf\u00c3\u00a9"], "the header x-a is not ASCII"],
    ["another Expect", ["Expect", "other"], "its Expect is not 100-continue"],
    ["headers that only the host takes", ["X-Long", "x".repeat(17_000)], "the worker's server refuses it with 431"],
  ];

  test.each(UNREACHED)(
    "for %s is answered 500 after functionTimeout, and the log says why",
    async (_, headers, reason) => {
      const ran = stubbed("ran");
      const source = `app.get("f", () => { ran(); return {}; });`;
      const served = await serve(writeStreamingApp(source, { functionTimeout: "00:00:01" }));
      expect(await served.send("GET", "/api/f", { headers })).toMatchObject({ status: 500, body: "" });
      expect(ran).not.toHaveBeenCalled();
      expect(errors(served)).toEqual([
        expect.stringMatching(`^This request does not reach the function: ${reason}\\. .*functionTimeout`),
        expect.stringContaining("(Failed, "),
        expect.stringContaining("Timeout value was exceeded by function: Functions.f."),
      ]);
    },
  );

  test("occupies one of the places for functions until then", async () => {
    const app = writeStreamingApp(`app.get("f", () => ({}));`, { http: { maxOutstandingRequests: 1 } });
    const served = await serve(app);
    request(served.url, "/api/f", { headers: { expect: "other" } }).end();
    await vi.waitFor(() => expect(errors(served)).toHaveLength(1), 10_000);
    expect(await served.send("GET", "/api/f")).toMatchObject({
      status: 429,
      headers: { "x-function-scaleout": "1" },
    });
  });
});
