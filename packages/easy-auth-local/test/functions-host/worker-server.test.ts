import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import type { HostLog } from "../../src/functions-host/host.ts";
import { serve } from "./fixture-app.ts";
import {
  answerTo,
  gate,
  observeWorker,
  request,
  STREAMING_PRELUDE,
  serveStreamingHandler,
  stubbed,
  writeStreamingApp,
} from "./streaming-app.ts";

const HELLO = `app.get("f", () => ({ body: "hello" }));`;
const SLOW = `
  app.hook.appTerminate(() => { ended(); });
  app.get("f", () => ({ body: (async function* () { yield "first "; await body.opened; yield "second"; })() }));`;

/** Returns the URLs of the worker's servers in the order in which they were opened. */
function workerUrls(logs: readonly HostLog[]): string[] {
  const ports = logs.flatMap(({ message }) => /^Auto-assigned port is valid\. Port: (\d+)$/.exec(message)?.[1] ?? []);
  return ports.map((port) => `http://127.0.0.1:${port}`);
}

async function expectRefusal(url: string | undefined): Promise<void> {
  await expect(fetch(String(url))).rejects.toMatchObject({ cause: { code: "ECONNREFUSED" } });
}

describe("the worker's server", () => {
  test("listens only on the loopback interface", async () => {
    const worker = observeWorker();
    const { send } = await serveStreamingHandler("() => ({})");
    await send("GET", "/api/f");
    expect(worker.map(({ server }) => (server.address() as AddressInfo).address)).toEqual(["127.0.0.1"]);
  });

  test("does not change where other servers listen", async () => {
    await serveStreamingHandler("() => ({})");
    const other = (await import("node:http")).createServer().listen(0, "::1");
    await once(other, "listening");
    expect((other.address() as AddressInfo).address).toBe("::1");
    other.close();
  });

  test("is gone when the host has closed", async () => {
    const { logs, close } = await serveStreamingHandler("() => ({})");
    const [url, ...others] = workerUrls(logs);
    expect(others).toEqual([]);
    await close();
    await expectRefusal(url);
  });

  test.each([
    ["has a route that cannot be matched", `app.get("bad", { route: "a-{b}", handler() {} });`],
    ["fails in an appStart hook", `app.hook.appStart(() => { throw new Error("x"); }); ${HELLO}`],
  ])("is gone when the app %s", async (_, source) => {
    const logs: HostLog[] = [];
    await expect(serve(writeStreamingApp(source), { onLog: (log) => logs.push(log) })).rejects.toThrow();
    const urls = workerUrls(logs);
    expect(urls).toHaveLength(1);
    await expectRefusal(urls[0]);
  });

  test("is replaced by a new one at a reload", async () => {
    const appRoot = writeStreamingApp(HELLO);
    const served = await serve(appRoot);
    writeFileSync(join(appRoot, "main.cjs"), STREAMING_PRELUDE + HELLO.replace("hello", "changed"));
    await served.reload();
    expect((await served.send("GET", "/api/f")).body).toBe("changed");
    const urls = workerUrls(served.logs);
    expect(new Set(urls).size).toBe(2);
    await vi.waitFor(() => expectRefusal(urls[0]), 10_000);
  });

  test("sends a body to its end even if the app is reloaded meanwhile", async () => {
    const [body, ended] = [gate("body"), stubbed("ended")];
    const served = await serve(writeStreamingApp(SLOW));
    const answer = await answerTo(request(served.url, "/api/f").end());
    await once(answer, "data");
    await served.reload();
    expect(ended).not.toHaveBeenCalled();
    body.open();
    expect(await text(answer)).toBe("second");
    await vi.waitFor(() => expect(ended).toHaveBeenCalledOnce(), 10_000);
  });
});

describe("closing a host with HTTP streaming", () => {
  test("waits for a body that is being sent", async () => {
    const [body, ended] = [gate("body"), stubbed("ended")];
    const served = await serve(writeStreamingApp(SLOW));
    const answer = await answerTo(request(served.url, "/api/f").end());
    await once(answer, "data");
    const closed = served.close();
    body.open();
    expect(await text(answer)).toBe("second");
    await closed;
    expect(ended).toHaveBeenCalledOnce();
  });

  test.each([
    ["a request that is never answered", "() => undefined"],
    ["a body that does not end", "() => ({ body: (async function* () { yield '1'; await body.opened; })() })"],
  ])("cuts %s", async (_, handler) => {
    gate("body");
    const worker = observeWorker();
    const { url, logs, close } = await serveStreamingHandler(handler);
    const sent = request(url, "/api/f");
    const gone = new Promise((resolve) => sent.once("close", resolve));
    sent.on("response", (answer) => answer.on("error", () => {}).resume()).end();
    await vi.waitFor(() => expect(worker).toHaveLength(1), 10_000);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const closed = close();
    await vi.advanceTimersByTimeAsync(5000);
    vi.useRealTimers();
    await Promise.all([closed, gone]);
    await expectRefusal(workerUrls(logs)[0]);
  });
});
