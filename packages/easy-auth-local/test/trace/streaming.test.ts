import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test, vi } from "vitest";
import { isRunning, type Trace } from "../../src/trace/hop.ts";
import { observe } from "../../src/trace/observe.ts";
import { Traces } from "../../src/trace/traces.ts";
import { answerTo, gate, request, serveStreamingHandler } from "../functions-host/streaming-app.ts";

/** Serves a function of an app with HTTP streaming, and records its traces. */
async function serveTraced(handler: string, options: { activityTimeoutMs?: number } = {}) {
  const traces = new Traces();
  vi.stubGlobal("askedBy", () => traces.current?.hop.station);
  const { url, send } = await serveStreamingHandler(handler, {
    ...options,
    onServer: (server) => observe(server, "function", traces),
    onLog: (log) => traces.log(log),
  });
  return { traces, url, send };
}

async function ended(traces: Traces): Promise<Trace["hops"][number]> {
  await vi.waitFor(() => expect(traces.recent[0]?.hops.some(isRunning)).toBe(false), 10_000);
  const hops = traces.recent.flatMap((trace) => trace.hops);
  expect(hops, "the way to the worker's server is no hop").toHaveLength(1);
  return hops[0] as Trace["hops"][number];
}

test("requests that a function or its body makes belong to its hop", async () => {
  const { send } = await serveTraced(`async (request) => {
    await request.text();
    const handler = askedBy();
    return { body: (async function* () { yield handler + " "; yield askedBy(); })() };
  }`);
  expect((await send("POST", "/api/f", { body: "x" })).body).toBe("function function");
});

test("a streamed answer is one hop, which runs until its body is sent", async () => {
  const body = gate("body");
  const { traces, url } = await serveTraced(`(_, context) => {
    context.log("hello");
    return { body: (async function* () { yield "first "; await body.opened; yield "second"; })() };
  }`);
  const answer = await answerTo(request(url, "/api/f").end());
  await once(answer, "data");
  expect(traces.recent[0]?.hops.map(isRunning)).toEqual([true]);
  body.open();
  expect(await text(answer)).toBe("second");
  const hop = await ended(traces);
  expect(hop).toMatchObject({ station: "function", status: 200, logs: ["information: hello"] });
  expect(hop.notes).toContainEqual(["Function", "f"]);
});

test("a function that never answers is a hop with 500 and with the reason", async () => {
  const { traces, send } = await serveTraced("() => undefined", { activityTimeoutMs: 100 });
  await send("GET", "/api/f");
  const hop = await ended(traces);
  expect(hop).toMatchObject({ status: 500, failure: { code: "500" } });
  expect(hop.logs[0]).toContain("The client waits in vain");
});

test("an answer that breaks off is a hop without a status", async () => {
  const handler = `() => ({ body: (async function* () { yield "first"; throw new Error("half"); })() })`;
  const { traces, send } = await serveTraced(handler, { activityTimeoutMs: 100 });
  await expect(send("GET", "/api/f")).rejects.toThrow();
  expect((await ended(traces)).status).toBeUndefined();
});
