import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import type { OnBehalfOf } from "../../src/entra/on-behalf-of.ts";
import { TokenCache } from "../../src/entra/token-cache.ts";
import { AppError } from "../../src/errors.ts";
import { exchangeOf, onBehalfOfAt, refuse, startTokenEndpoint, succeed } from "../support/exchange.ts";

const USERS = 300;
const CALLS = 1500;
const AT_ONCE = 100;
const CACHE_BYTES = 400_000;

/** Returns a random source with the same numbers in every run (mulberry32). */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Starts an Entra that fails one exchange in ten, in five ways, and names the user in every text it writes. */
async function startTroubledEntra() {
  const random = createRandom(1);
  const troubles = [429, 500, 503, 400, 0];
  return startTokenEndpoint((assertion, response) => {
    if (random() >= 0.1) {
      succeed(response, `token of ${assertion} ${"x".repeat(1000)}`);
      return;
    }
    const status = troubles[Math.floor(random() * troubles.length)];
    const description = { error_description: `AADSTS50000: the trouble of ${assertion}` };
    const headers = status === 429 ? { "retry-after": "1" } : {};
    if (status) refuse(response, status, { error: "invalid_grant", error_codes: [50000], ...description }, headers);
  });
}

interface Outcome {
  readonly wrongUsers: number;
  readonly foreignTexts: number;
  readonly unforeseen: unknown[];
  readonly byCode: Map<string, number>;
}

async function storm(onBehalfOf: OnBehalfOf, calls: number, onCall: () => void): Promise<Outcome> {
  const random = createRandom(2);
  const outcome = { wrongUsers: 0, foreignTexts: 0, unforeseen: [] as unknown[], byCode: new Map<string, number>() };
  let left = calls;
  async function caller(): Promise<void> {
    while (left > 0) {
      left -= 1;
      onCall();
      const assertion = `user-${Math.floor(random() * USERS)}-`;
      try {
        const { accessToken: token } = await onBehalfOf.exchange(exchangeOf(assertion));
        if (!token.startsWith(`token of ${assertion} `)) outcome.wrongUsers += 1;
      } catch (error) {
        if (!(error instanceof AppError)) outcome.unforeseen.push(error);
        else outcome.byCode.set(error.code, (outcome.byCode.get(error.code) ?? 0) + 1);
        if (/user-\d+-|AADSTS50000: /.test(everythingIn(error))) outcome.foreignTexts += 1;
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return outcome;
}

/** Returns all text of an error and its causes. */
function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error, name)));
  return [...own, error.cause === undefined ? "" : everythingIn(error.cause)].join("\n");
}

function heapAfterCollection(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

describe(`${CALLS} calls of ${USERS} users, one exchange in ten failing`, () => {
  test("give each user their own token or error, leave nothing in flight, and stay within the memory bound", async () => {
    const entra = await startTroubledEntra();
    let time = Date.now();
    const now = () => time;
    const cache = new TokenCache({ maxBytes: CACHE_BYTES, now });
    const onBehalfOf = onBehalfOfAt(entra.url, { cache, now, requestTimeoutMs: 5000 });
    const heapBefore = heapAfterCollection();
    let mostBytes = 0;
    const { wrongUsers, foreignTexts, unforeseen, byCode } = await storm(onBehalfOf, CALLS, () => {
      time += 50;
      mostBytes = Math.max(mostBytes, cache.bytes);
    });
    expect({ wrongUsers, foreignTexts, unforeseen }).toEqual({ wrongUsers: 0, foreignTexts: 0, unforeseen: [] });
    expect([...byCode.keys()].sort()).toEqual(["identity_unavailable", "throttled", "token_rejected"]);
    expect(onBehalfOf.inFlight).toBe(0);
    expect(mostBytes).toBeLessThanOrEqual(CACHE_BYTES);
    expect(cache.size).toBeGreaterThan(100);
    entra.asked.length = 0;
    expect(heapAfterCollection() - heapBefore).toBeLessThan(CACHE_BYTES + 16_000_000);
  }, 120_000);

  test("would fail if two users had one key", async () => {
    class OneKeyForAll extends TokenCache {
      override keyOf(_: string, scopes: readonly string[]): string {
        return super.keyOf("", scopes);
      }
    }
    const entra = await startTokenEndpoint((assertion, response) => succeed(response, `token of ${assertion} `));
    const onBehalfOf = onBehalfOfAt(entra.url, { cache: new OneKeyForAll({ maxBytes: CACHE_BYTES }) });
    const { wrongUsers } = await storm(onBehalfOf, 200, () => {});
    expect(wrongUsers).toBeGreaterThan(100);
  });
});
