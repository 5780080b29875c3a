import { EventEmitter, once } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeStore } from "../../../test/support/fake-store.ts";
import { entryKeysFor, MAX_ENTRY_BYTES, seal } from "../src/seal.ts";
import { type LookupResult, SharedCache, type VerifiedBinding } from "../src/shared-cache.ts";

const NOW = Date.parse("2026-11-26T12:00:00Z");
const END = NOW / 1000 + 3600;
const TOKEN = { accessToken: "graph-token", end: END };
const BINDING: VerifiedBinding = {
  assertion: "header.payload.signature",
  authorityOrigin: "https://login.microsoftonline.com",
  tenantId: "aaaabbbb-0000-cccc-1111-dddd2222eeee",
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  scopes: ["https://graph.microsoft.com/User.Read"],
  assertionEnd: END,
};

let store: FakeStore;
let results: LookupResult[];
let dropped: number;
let now: number;
let monotonic: number;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  store = new FakeStore();
  results = [];
  dropped = 0;
  now = NOW;
  monotonic = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

function createCache(): SharedCache {
  return new SharedCache(store, {
    observer: { lookup: (result) => results.push(result), droppedWrite: () => (dropped += 1) },
    clock: () => now,
    now: () => monotonic,
    random: () => 0,
  });
}

const hanging = () => new Promise<never>(() => {});
const failing = () => Promise.reject(new Error("connection reset"));

/** Lets promises settle without any time passing. */
async function settle(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

describe("a shared cache", () => {
  test("gives an instance the token that another one stored", async () => {
    createCache().keep(BINDING, TOKEN);
    await settle();
    expect(await createCache().find(BINDING)).toEqual(TOKEN);
    expect(results).toEqual(["hit"]);
  });

  test("has no token for another assertion", async () => {
    createCache().keep(BINDING, TOKEN);
    await settle();
    expect(await createCache().find({ ...BINDING, assertion: "other" })).toBeUndefined();
    expect(results).toEqual(["miss"]);
  });

  test("returns no token after its expiry", async () => {
    createCache().keep(BINDING, TOKEN);
    await settle();
    now = END * 1000;
    expect(await createCache().find(BINDING)).toBeUndefined();
    expect(results).toEqual(["miss"]);
  });

  test.each([
    ["an entry moved from another user's name", () => seal(entryKeysFor({ ...BINDING, assertion: "other" }), TOKEN)],
    ["a cut entry", () => seal(entryKeysFor(BINDING), TOKEN).subarray(0, 40)],
    [
      "an entry of another version",
      () => Buffer.concat([Buffer.of(2), seal(entryKeysFor(BINDING), TOKEN).subarray(1)]),
    ],
    ["a longer entry than one may be", () => Buffer.alloc(MAX_ENTRY_BYTES + 1, 1)],
    ["an empty entry", () => Buffer.alloc(0)],
  ])("counts %s as invalid and goes on without it", async (_, entry) => {
    store.entries.set(entryKeysFor(BINDING).id.toString("hex"), entry());
    expect(await createCache().find(BINDING)).toBeUndefined();
    expect(results).toEqual(["invalid"]);
  });
});

describe("a store that does not answer", () => {
  test("delays a request by at most 50 ms", async () => {
    store.behave = hanging;
    const found = createCache().find(BINDING);
    await vi.advanceTimersByTimeAsync(49);
    expect(results).toEqual([]);
    await vi.advanceTimersByTimeAsync(3);
    expect(await found).toBeUndefined();
    expect(results).toEqual(["late"]);
  });

  test("delays no request after it has not answered for a while, until it answers again", async () => {
    store.behave = hanging;
    const cache = createCache();
    for (let count = 0; count < 5; count += 1) {
      const found = cache.find(BINDING);
      await vi.advanceTimersByTimeAsync(53);
      await found;
      monotonic += 63;
    }
    expect([cache.isSuspended, store.reconnects]).toEqual([true, 1]);
    expect(await cache.find(BINDING)).toBeUndefined();
    expect(results.at(-1)).toBe("open");
    store.behave = undefined;
    monotonic += 2500;
    await cache.find(BINDING);
    expect([results.at(-1), cache.isSuspended]).toEqual(["miss", false]);
  });

  test("gets at most 100 requests at a time", async () => {
    store.behave = hanging;
    const cache = createCache();
    const found = Array.from({ length: 150 }, () => cache.find(BINDING));
    await settle();
    expect(results).toEqual(Array(50).fill("busy"));
    await vi.advanceTimersByTimeAsync(53);
    await Promise.all(found);
    expect(store.calls.length).toBe(100);
  });

  test("holds up at most 100 writes, each for a second; others are dropped", async () => {
    store.behave = hanging;
    const cache = createCache();
    for (let count = 0; count < 150; count += 1) cache.keep(BINDING, TOKEN);
    expect([store.calls.length, dropped]).toEqual([100, 50]);
    await vi.advanceTimersByTimeAsync(1003);
    expect(dropped).toBe(150);
    store.behave = undefined;
    cache.keep(BINDING, TOKEN);
    await settle();
    expect(store.entries.size).toBe(1);
  });
});

describe("a stall of this process", () => {
  test("does not count as late an answer that arrived meanwhile", async () => {
    const answer = new EventEmitter();
    store.behave = () => once(answer, "answer").then(() => undefined) as Promise<never>;
    const found = createCache().find(BINDING);
    // The time-out expires here; the answer is read in the same turn of the event loop, after the timers.
    vi.advanceTimersByTime(50);
    answer.emit("answer");
    await found;
    expect(results).toEqual(["miss"]);
  });
});

describe("a store that fails", () => {
  test("never fails a request", async () => {
    store.behave = failing;
    const cache = createCache();
    cache.keep(BINDING, TOKEN);
    cache.forget(BINDING, TOKEN.accessToken);
    expect(await cache.find(BINDING)).toBeUndefined();
    await settle();
    expect([results, dropped]).toEqual([["error"], 2]);
  });
});

describe("a store that is full", () => {
  test("is still read: the writes that it refuses are dropped and open no breaker", async () => {
    const cache = createCache();
    cache.keep(BINDING, TOKEN);
    await settle();
    for (let count = 0; count < 20; count += 1) {
      store.behave = failing;
      cache.keep({ ...BINDING, assertion: "other" }, TOKEN);
      store.behave = undefined;
      await settle();
      monotonic += 100;
    }
    expect([dropped, cache.isSuspended]).toEqual([20, false]);
    expect(await cache.find(BINDING)).toEqual(TOKEN);
  });
});

describe("a token that a resource refused", () => {
  test("is deleted from the store", async () => {
    const cache = createCache();
    cache.keep(BINDING, TOKEN);
    await settle();
    cache.forget(BINDING, TOKEN.accessToken);
    await settle();
    expect(store.entries.size).toBe(0);
  });

  test("is not returned even if it could not be deleted", async () => {
    const cache = createCache();
    cache.keep(BINDING, TOKEN);
    await settle();
    store.behave = failing;
    cache.forget(BINDING, TOKEN.accessToken);
    store.behave = undefined;
    await settle();
    expect(await cache.find(BINDING)).toBeUndefined();
    expect(results).toEqual(["refused"]);
  });

  test("is not written again by a request that still held it", async () => {
    const cache = createCache();
    cache.forget(BINDING, TOKEN.accessToken);
    await settle();
    cache.keep(BINDING, TOKEN);
    await settle();
    expect(store.entries.size).toBe(0);
  });

  test("does not prevent the next token from being stored", async () => {
    const cache = createCache();
    cache.forget(BINDING, TOKEN.accessToken);
    cache.keep(BINDING, { ...TOKEN, accessToken: "next" });
    await settle();
    expect((await cache.find(BINDING))?.accessToken).toBe("next");
  });
});
