import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { startFunctionsHost } from "../../src/functions-host/host.ts";
import { PRELUDE, serve, serveSource, writeApp } from "./fixture-app.ts";

const HELLO = `app.get("hello", () => ({ body: process.env.FIXTURE_WORD ?? "no word" }));`;

/** An app that records its life cycle in an array, and waits in /api/slow until it is released. */
const OBSERVED = `
  const events = (globalThis.fixtureEvents = []);
  app.hook.appStart(({ hookData }) => { hookData.word = "shared"; events.push("start"); });
  app.hook.appTerminate(async ({ hookData }) => { await null; events.push("terminate " + hookData.word); });
  const released = new Promise((resolve) => { globalThis.releaseFixture = resolve; });
  app.get("slow", async () => { events.push("run"); await released; events.push("ran"); return { body: "done" }; });`;

const observed = globalThis as { fixtureEvents?: string[]; releaseFixture?: () => void };

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

function fixtureWord(): string | undefined {
  return process.env.FIXTURE_WORD;
}

/** Writes an app of one file that can be replaced. */
function changingApp(source: string): { appRoot: string; write(source: string): void } {
  const appRoot = writeApp(source);
  return { appRoot, write: (changed) => writeFileSync(join(appRoot, "main.cjs"), PRELUDE + changed) };
}

/** Calls /api/slow, and resolves when the function runs. */
async function callSlow(url: string): Promise<{ answer: Promise<Response> }> {
  const answer = fetch(`${url}/api/slow`);
  answer.catch(() => undefined);
  await vi.waitFor(() => expect(observed.fixtureEvents).toContain("run"), 10_000);
  return { answer };
}

describe("a host", () => {
  test("gives its URL, and its functions in the order of their names", async () => {
    const { url, functions } = await serveSource(`
      app.http("upload", { methods: ["POST", "PUT"], route: "files/{*path}", handler() {} });
      app.get("Profile", () => ({}));
      app.generic("any", { trigger: trigger.generic({ type: "httpTrigger" }), handler() {} });
      app.http("both", { handler() {} });`);
    expect(url).toMatch(/^http:\/\/localhost:\d+$/);
    expect(functions).toEqual([
      { name: "any", methods: [], route: "api/any" },
      { name: "both", methods: ["GET", "POST"], route: "api/both" },
      { name: "Profile", methods: ["GET"], route: "api/Profile" },
      { name: "upload", methods: ["POST", "PUT"], route: "api/files/{*path}" },
    ]);
  });

  test("serves on the port it is given", async () => {
    const { url, close } = await serveSource(HELLO);
    await close();
    const port = Number(new URL(url).port);
    expect((await serve(writeApp(HELLO), { port })).url).toBe(url);
  });

  test("fails with the port that is in use, and leaves nothing behind", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void blocker.close());
    await vi.waitFor(() => expect(blocker.listening).toBe(true), 10_000);
    const { port } = blocker.address() as { port: number };
    const start = serve(writeApp(OBSERVED), { port, settings: { FIXTURE_WORD: "setting" } });
    await expect(start).rejects.toMatchObject({ code: "EADDRINUSE", message: expect.stringContaining(String(port)) });
    expect(observed.fixtureEvents).toEqual(["start", "terminate shared"]);
    expect(fixtureWord()).toBeUndefined();
  });
});

describe("settings", () => {
  test.each([
    ["nothing", undefined],
    ["another value", "environment"],
  ])("are in the environment until the host closes (it had %s before)", async (_, before) => {
    vi.stubEnv("FIXTURE_WORD", before);
    const { send, close } = await serve(writeApp(HELLO), { settings: { FIXTURE_WORD: "setting" } });
    expect((await send("GET", "/api/hello")).body).toBe("setting");
    await close();
    expect(fixtureWord()).toBe(before);
  });

  test("are in the environment when the app loads, and removed if that fails", async () => {
    const appRoot = writeApp("throw new Error(process.env.FIXTURE_WORD);");
    await expect(serve(appRoot, { settings: { FIXTURE_WORD: "setting" } })).rejects.toThrow(/: setting$/);
    expect(fixtureWord()).toBeUndefined();
  });
});

describe("appStart and appTerminate hooks", () => {
  test("run once before the first request and once at the end, with shared data", async () => {
    const { close } = await serveSource(OBSERVED);
    expect(observed.fixtureEvents).toEqual(["start"]);
    await Promise.all([close(), close()]);
    await close();
    expect(observed.fixtureEvents).toEqual(["start", "terminate shared"]);
  });

  test("refuse the start when appStart throws", async () => {
    const source = `app.hook.appStart(() => { throw new Error("no database"); }); ${HELLO}`;
    const start = serve(writeApp(source), { settings: { FIXTURE_WORD: "setting" } });
    await expect(start).rejects.toThrow("no database");
    expect(fixtureWord()).toBeUndefined();
  });

  test("let the host close when appTerminate throws, with a line in the log", async () => {
    const { close, logs } = await serveSource(`app.hook.appTerminate(() => { throw new Error("oops"); }); ${HELLO}`);
    await close();
    expect(logs.at(-1)).toMatchObject({ level: "error", message: expect.stringContaining("Error: oops") });
  });
});

describe("reloading", () => {
  const answering = (text: string) => `app.get("hello", () => ({ body: "${text}" }));`;

  test("serves the new app at the same address, with its own functions", async () => {
    const { appRoot, write } = changingApp(answering("one"));
    const host = await startFunctionsHost({ appRoot });
    onTestFinished(() => host.close());
    write(`${answering("two")} app.get("new", () => ({ body: "new" }));`);
    await host.reload();
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("two");
    expect(await (await fetch(`${host.url}/api/new`)).text()).toBe("new");
    expect(host.functions.map(({ name }) => name)).toEqual(["hello", "new"]);
  });

  test("lets a running function answer before the old app ends", async () => {
    const { appRoot, write } = changingApp(OBSERVED);
    const host = await startFunctionsHost({ appRoot });
    onTestFinished(() => host.close());
    const { answer } = await callSlow(host.url);
    const events = observed.fixtureEvents;
    const release = observed.releaseFixture;
    write(answering("two"));
    await host.reload();
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("two");
    expect(events).toEqual(["start", "run"]);
    release?.();
    expect(await (await answer).text()).toBe("done");
    await vi.waitFor(() => expect(events).toEqual(["start", "run", "ran", "terminate shared"]), 10_000);
  });

  test.each([
    ["cannot be parsed", "const const"],
    ["throws", `throw new Error("no tenant");`],
    ["has no function", ""],
    ["has a route that cannot be matched", `app.get("bad", { route: "a-{b}", handler() {} });`],
    ["fails in an appStart hook", `app.hook.appStart(() => { throw new Error("x"); }); app.get("f", () => ({}));`],
  ])("keeps the old app when the new one %s", async (_, source) => {
    const { appRoot, write } = changingApp(answering("one"));
    const host = await startFunctionsHost({ appRoot });
    onTestFinished(() => host.close());
    write(source);
    await expect(host.reload()).rejects.toThrow();
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("one");
  });

  test("keeps the settings in the environment until the host closes", async () => {
    const { appRoot, write } = changingApp(HELLO);
    const host = await startFunctionsHost({ appRoot, settings: { FIXTURE_WORD: "setting" } });
    write(`${HELLO} // changed`);
    await host.reload();
    expect(await (await fetch(`${host.url}/api/hello`)).text()).toBe("setting");
    await host.close();
    expect(fixtureWord()).toBeUndefined();
  });

  test("makes closing wait for a running function of the old app", async () => {
    const { appRoot, write } = changingApp(OBSERVED);
    const host = await startFunctionsHost({ appRoot });
    const { answer } = await callSlow(host.url);
    const [events, release] = [observed.fixtureEvents, observed.releaseFixture];
    write(answering("two"));
    await host.reload();
    const closed = host.close();
    release?.();
    expect(await (await answer).text()).toBe("done");
    await closed;
    expect(events).toEqual(["start", "run", "ran", "terminate shared"]);
  });
});

describe("closing", () => {
  test("lets a running function answer, and then closes the connection", async () => {
    const { url, close } = await serveSource(OBSERVED);
    const { answer } = await callSlow(url);
    const startedAt = performance.now();
    const closed = close();
    observed.releaseFixture?.();
    const response = await answer;
    expect(await response.text()).toBe("done");
    expect(response.headers.get("connection")).toBe("close");
    await closed;
    expect(observed.fixtureEvents).toEqual(["start", "run", "ran", "terminate shared"]);
    expect(performance.now() - startedAt).toBeLessThan(4000);
  });

  test("waits at most five seconds for a function that does not end", async () => {
    const { url, close } = await serveSource(OBSERVED);
    await callSlow(url);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const closed = close();
    await vi.advanceTimersByTimeAsync(4999);
    expect(observed.fixtureEvents).toEqual(["start", "run"]);
    await vi.advanceTimersByTimeAsync(1);
    vi.useRealTimers();
    await closed;
    expect(observed.fixtureEvents).toEqual(["start", "run", "terminate shared"]);
  });

  test("does not wait for idle connections, and accepts no new ones", async () => {
    const { url, close } = await serveSource(HELLO);
    await (await fetch(`${url}/api/hello`)).text();
    const startedAt = performance.now();
    await close();
    expect(performance.now() - startedAt).toBeLessThan(4000);
    await expect(fetch(`${url}/api/hello`)).rejects.toThrow();
  });
});
