import { describe, expect, test } from "vitest";
import { TokenCache } from "../../src/entra/token-cache.ts";
import { exchangeOf, GRAPH_DEFAULT } from "../support/exchange.ts";

describe("the cache", () => {
  test("stays within its bound when 40,000 users are offered, and keeps those used lately", () => {
    const cache = new TokenCache({ maxBytes: 10_000_000 });
    const { user } = exchangeOf("");
    for (let index = 0; index < 40_000; index += 1) {
      const key = cache.keyOf(`user-${index}`, [GRAPH_DEFAULT]);
      cache.set(key, { user, accessToken: `token of ${index} ${"x".repeat(2000)}` }, Date.now() + 3_600_000);
      if (index === 0 || index % 1000 === 0) expect(cache.get(cache.keyOf("user-0", [GRAPH_DEFAULT]))).toBeDefined();
    }
    expect(cache.bytes).toBeLessThanOrEqual(10_000_000);
    expect(cache.size).toBeGreaterThan(3900);
    expect(cache.get(cache.keyOf("user-1", [GRAPH_DEFAULT]))).toBeUndefined();
    expect(cache.get(cache.keyOf("user-39999", [GRAPH_DEFAULT]))).toBeDefined();
  });

  test("accepts neither a token that is too large for it nor one that has expired", () => {
    const cache = new TokenCache({ maxBytes: 100_000 });
    const { user } = exchangeOf("");
    const set = (assertion: string, accessToken: string, expiresAt: number) =>
      cache.set(cache.keyOf(assertion, [GRAPH_DEFAULT]), { user, accessToken }, expiresAt);
    set("large", "x".repeat(100_000), Date.now() + 3_600_000);
    set("ended", "x", Date.now() + 299_000);
    expect(cache.size).toBe(0);
    set("neither", "x", Date.now() + 3_600_000);
    expect(cache.size).toBe(1);
  });

  test("counts a replaced token once, and nothing when all have expired", () => {
    const cache = new TokenCache({ maxBytes: 1_000_000 });
    const empty = cache.bytes;
    const { user } = exchangeOf("");
    const keys = ["a", "b", "c"].map((assertion) => cache.keyOf(assertion, [GRAPH_DEFAULT]));
    for (const accessToken of ["first", "the second"]) {
      for (const key of keys) cache.set(key, { user, accessToken }, Date.now() + 3_600_000);
    }
    expect(cache.size).toBe(3);
    expect(cache.get(keys[1] ?? "")?.accessToken).toBe("the second");
    for (const key of keys) cache.set(key, { user, accessToken: "ended" }, Date.now());
    expect([cache.size, cache.bytes]).toEqual([0, empty]);
  });

  test("evicts the least recently used token first", () => {
    const cache = new TokenCache({ maxBytes: 10_000 });
    const { user } = exchangeOf("");
    const set = (key: string) => cache.set(key, { user, accessToken: "x".repeat(4000) }, Date.now() + 3_600_000);
    set("adele");
    set("alex");
    cache.get("adele");
    set("lee");
    expect(["adele", "alex", "lee"].map((key) => cache.get(key) !== undefined)).toEqual([true, false, true]);
  });

  test.each([
    ["300 s before its token ends", { tokenSeconds: 3600, assertionSeconds: 7200, lastSecond: 3300 }],
    ["when its assertion ends", { tokenSeconds: 3600, assertionSeconds: 60, lastSecond: 60 }],
  ])("hands a token out until the last millisecond, %s", (_, { tokenSeconds, assertionSeconds, lastSecond }) => {
    const start = 1_800_000_000;
    let now = start * 1000;
    const cache = new TokenCache({ maxBytes: 10_000, now: () => now });
    const user = { ...exchangeOf("").user, expiresAt: start + assertionSeconds };
    cache.set("key", { user, accessToken: "x" }, (start + tokenSeconds) * 1000);
    now = (start + lastSecond) * 1000 - 1;
    expect(cache.get("key")).toBeDefined();
    now += 1;
    expect(cache.get("key")).toBeUndefined();
    expect(cache.bytes).toBe(0);
  });

  test("accepts no token for its last millisecond, which lru-cache would keep for ever", () => {
    const now = 1_800_000_000_000;
    const cache = new TokenCache({ maxBytes: 10_000, now: () => now - 1 });
    const user = { ...exchangeOf("").user, expiresAt: now / 1000 };
    cache.set("key", { user, accessToken: "x" }, now + 3_600_000);
    expect(cache.size).toBe(0);
  });

  test("drops the earlier token when the new one has expired", () => {
    const cache = new TokenCache({ maxBytes: 10_000 });
    const { user } = exchangeOf("");
    cache.set("key", { user, accessToken: "earlier" }, Date.now() + 3_600_000);
    cache.set("key", { user, accessToken: "new" }, Date.now());
    expect(cache.get("key")).toBeUndefined();
  });
});
