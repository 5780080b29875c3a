import { createClient } from "@redis/client";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { hasRedis, type RedisServer, startRedis } from "../../../test/support/redis-server.ts";
import { RedisStore } from "../src/redis-store.ts";
import { MAX_ENTRY_BYTES, open } from "../src/seal.ts";

const ENTRY = { id: "ab".repeat(32), assertionEnd: Date.now() / 1000 + 3600 };
const OTHER = { ...ENTRY, id: "cd".repeat(32) };
const BYTES = Buffer.from([1, 0, 255, 13, 10, 128]);
const LATER = Date.now() + 3_600_000;
const signal = new AbortController().signal;

async function openStore(url: string, identity?: ConstructorParameters<typeof RedisStore>[1]): Promise<RedisStore> {
  const store = new RedisStore(url, identity);
  onTestFinished(() => store.close());
  await vi.waitFor(() => store.get(ENTRY, signal), { timeout: 20_000 });
  return store;
}

async function adminOf(url: string) {
  const admin = createClient({ url });
  await admin.connect();
  onTestFinished(() => admin.destroy());
  return admin;
}

describe.skipIf(!hasRedis)("entries in Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.close());

  test("keep their bytes, for another instance too", async () => {
    const [one, two] = [await openStore(server.url), await openStore(server.url)];
    await one.set(ENTRY, BYTES, LATER, signal);
    expect(Buffer.from((await two.get(ENTRY, signal)) ?? [])).toEqual(BYTES);
    expect(await two.get(OTHER, signal)).toBeUndefined();
  });

  test("expire with their token", async () => {
    const store = await openStore(server.url);
    await store.set(ENTRY, BYTES, LATER + 0.7, signal);
    expect(await (await adminOf(server.url)).pExpireTime(`t1:${ENTRY.id}`)).toBe(LATER);
  });

  test("disappear when they are deleted", async () => {
    const store = await openStore(server.url);
    await store.set(ENTRY, BYTES, LATER, signal);
    await store.delete(ENTRY, signal);
    expect(await store.get(ENTRY, signal)).toBeUndefined();
  });

  test("are read at most one byte beyond their maximum length", async () => {
    const store = await openStore(server.url);
    await (await adminOf(server.url)).set(`t1:${OTHER.id}`, "x".repeat(5_000_000));
    expect((await store.get(OTHER, signal))?.length).toBe(MAX_ENTRY_BYTES + 1);
    await store.delete(OTHER, signal);
  });

  test.each([
    ["hash", (name: string) => ["HSET", name, "a", "b"]],
    ["list", (name: string) => ["LPUSH", name, "a"]],
    ["sorted set", (name: string) => ["ZADD", name, "1", "a"]],
    ["stream", (name: string) => ["XADD", name, "*", "a", "b"]],
  ])("that are a %s count as missing, not as a failure, and are overwritten", async (_, command) => {
    const store = await openStore(server.url);
    await (await adminOf(server.url)).sendCommand(command(`t1:${OTHER.id}`));
    const bytes = (await store.get(OTHER, signal)) ?? Buffer.alloc(0);
    expect(bytes.length).toBeGreaterThan(0);
    expect(open({ id: Buffer.from(OTHER.id, "hex"), key: Buffer.alloc(32) }, bytes)).toBeUndefined();
    await store.set(OTHER, BYTES, LATER, signal);
    expect(await store.get(OTHER, signal)).toEqual(BYTES);
    await store.delete(OTHER, signal);
  });
});

describe.skipIf(!hasRedis)("a connection to Redis", () => {
  test("that is not open yet makes a call fail at once", async () => {
    const store = new RedisStore("redis://127.0.0.1:9");
    onTestFinished(() => store.close());
    await expect(store.get(ENTRY, signal)).rejects.toThrow();
  });

  test("is restored after the server was killed and restarted, by itself or on request", async () => {
    const first = await startRedis();
    const store = await openStore(first.url);
    await first.close();
    await vi.waitFor(() => expect(store.get(ENTRY, signal)).rejects.toThrow());
    const second = await startRedis({ port: Number(new URL(first.url).port) });
    onTestFinished(second.close);
    store.reconnect();
    await vi.waitFor(() => store.set(ENTRY, BYTES, LATER, signal), { timeout: 20_000 });
    expect(await store.get(ENTRY, signal)).toBeDefined();
  });

  test("to a full server without eviction fails writes and answers reads", async () => {
    const server = await startRedis({ flags: ["--maxmemory", "100", "--maxmemory-policy", "noeviction"] });
    onTestFinished(server.close);
    const store = await openStore(server.url);
    await expect(store.set(ENTRY, BYTES, LATER, signal)).rejects.toThrow("OOM");
    expect(await store.get(ENTRY, signal)).toBeUndefined();
  });

  test("to a server that hangs holds at most 256 calls, and refuses more at once", async () => {
    const server = await startRedis();
    onTestFinished(server.close);
    const store = await openStore(server.url);
    server.process.kill("SIGSTOP");
    const calls = Array.from({ length: 300 }, () => store.get(ENTRY, new AbortController().signal));
    const refused = (await Promise.allSettled(calls.slice(256))).map(({ status }) => status);
    expect(new Set(refused)).toEqual(new Set(["rejected"]));
    store.reconnect();
    const held = await Promise.allSettled(calls.slice(0, 256));
    expect(new Set(held.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    server.process.kill("SIGCONT");
  });
});

describe.skipIf(!hasRedis)("authentication at Redis", () => {
  const OID = "11112222-3333-4444-5555-666677778888";

  /** Starts a server that knows the identity by its object id, and its tokens by their text. */
  async function startWithUser(passwords: readonly string[]): Promise<RedisServer> {
    const rules = passwords.map((password) => `>${password}`).join(" ");
    const flags = ["--user", `default off`, "--user", `${OID} on ${rules} ~* +@all`];
    const server = await startRedis({ flags: flags.flatMap((flag) => flag.split(" ")) });
    onTestFinished(server.close);
    return server;
  }

  /** Returns the number of `AUTH` commands so far; this client's own is part of its `HELLO`. */
  async function authenticationsAt(url: string, password: string): Promise<number> {
    const admin = createClient({ url, username: OID, password });
    await admin.connect();
    const statistics = await admin.info("commandstats");
    admin.destroy();
    return Number(/cmdstat_auth:calls=(\d+)/.exec(statistics)?.[1] ?? 0);
  }

  async function tokenOf(claims: Record<string, unknown>): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new Uint8Array(32));
  }

  test("uses the identity's object id and its token", async () => {
    const accessToken = await tokenOf({ oid: OID });
    const server = await startWithUser([accessToken]);
    const store = await openStore(server.url, async () => ({ accessToken, endsAt: LATER }));
    await store.set(ENTRY, BYTES, LATER, signal);
    expect(await store.get(ENTRY, signal)).toBeDefined();
  });

  test("waits for an identity that has no token yet; until then, only calls fail", async () => {
    const accessToken = await tokenOf({ oid: OID });
    const server = await startWithUser([accessToken]);
    let asked = 0;
    const store = await openStore(server.url, async () => {
      asked += 1;
      if (asked < 3) throw new Error("no identity");
      return { accessToken, endsAt: LATER };
    });
    expect(asked).toBe(3);
    expect(await store.get(ENTRY, signal)).toBeUndefined();
  });

  test("happens again before the token expires, on the same connection", async () => {
    const tokens = [await tokenOf({ oid: OID, n: 1 }), await tokenOf({ oid: OID, n: 2 })];
    const server = await startWithUser(tokens);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"], now: Date.now() });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    let asked = 0;
    const identity = async () => {
      asked += 1;
      return { accessToken: tokens[asked - 1] ?? "", endsAt: Date.now() + 600_000 };
    };
    const store = new RedisStore(server.url, identity);
    onTestFinished(() => store.close());
    await expect
      .poll(() =>
        store.get(ENTRY, signal).then(
          () => "connected",
          () => "not yet",
        ),
      )
      .toBe("connected");
    vi.advanceTimersByTime(420_000);
    await expect.poll(() => authenticationsAt(server.url, tokens[1] ?? "")).toBe(2);
    expect(await store.get(ENTRY, signal)).toBeUndefined();
  });
});
