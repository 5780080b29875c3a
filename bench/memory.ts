import { TokenCache } from "../src/entra/token-cache.ts";
import { readSettings } from "../src/settings.ts";
import { acquire, createInProcessEndpoint, createMsal } from "./msal.ts";
import { BYTES_PER_USER, createInstantClient, createOnBehalfOf, exchangeOf, verifiedUser } from "./ours.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { GRAPH_SCOPES, graphToken, TOKENS_END_AT, unsignedAssertion } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

export interface MemoryOptions {
  readonly what: "ours" | "msal" | "bound";
  readonly users: number;
}

/** Contents of a cache with the default bound after many users were offered to it. */
export interface BoundFigures {
  readonly offered: number;
  readonly entries: number;
  /** Size by the cache's own count. */
  readonly bytes: number;
  readonly bound_bytes: number;
  /** Growth of the heap. */
  readonly heap_bytes: number;
}

/** Returns heap bytes per user, or the figures of a full cache. Needs `--expose-gc`. */
async function measureMemory({ what, users }: MemoryOptions): Promise<number | BoundFigures> {
  if (what === "bound") return measureBound(users);
  return (what === "ours" ? await heapOfOurs(users) : await heapOfMsal(users)) / users;
}

async function heapOfOurs(users: number): Promise<number> {
  const onBehalfOf = createOnBehalfOf(createInstantClient(), users * BYTES_PER_USER);
  return growthOf(onBehalfOf, (user) => onBehalfOf.exchange(exchangeOf(user)), users);
}

/** Returns the growth of the heap by real exchanges with MSAL; nothing is seeded. */
async function heapOfMsal(users: number): Promise<number> {
  const client = createMsal(createInProcessEndpoint());
  return growthOf(client, (user) => acquire(client, unsignedAssertion(user)), users);
}

async function measureBound(offered: number): Promise<BoundFigures> {
  const { tokenCacheBytes } = readSettings(APP_ENVIRONMENT);
  const cache = new TokenCache({ maxBytes: tokenCacheBytes });
  const heapBytes = await growthOf(
    cache,
    async (user) => {
      const key = cache.keyOf(unsignedAssertion(user), GRAPH_SCOPES);
      cache.set(key, { user: verifiedUser(user), accessToken: graphToken(user) }, TOKENS_END_AT * 1000);
    },
    offered,
  );
  return {
    offered,
    entries: cache.size,
    bytes: cache.bytes,
    bound_bytes: tokenCacheBytes,
    heap_bytes: heapBytes,
  };
}

/** Returns the growth of the heap, collected before and after, beyond ten users: by then code is compiled and tables exist. */
async function growthOf(kept: object, add: (user: number) => Promise<unknown>, users: number): Promise<number> {
  const warmUp = 10;
  for (let user = 0; user < warmUp; user += 1) await add(user);
  const before = heapUsed();
  for (let user = warmUp; user < users + warmUp; user += 1) await add(user);
  const growth = heapUsed() - before;
  // This use after the measurement keeps the object from being collected earlier.
  Object.keys(kept);
  return growth;
}

function heapUsed(): number {
  if (!globalThis.gc) throw new Error("This needs --expose-gc.");
  for (let time = 0; time < 4; time += 1) globalThis.gc();
  const { heapUsed: heap, external } = process.memoryUsage();
  return heap + external;
}

answerMessages(measureMemory);
