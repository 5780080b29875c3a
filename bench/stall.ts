import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { TokenCache } from "../src/entra/token-cache.ts";
import { BYTES_PER_USER, verifiedUser } from "./ours.ts";
import { authorizationOf, GRAPH_SCOPES, graphToken, TOKENS_END_AT, unsignedAssertion } from "./tokens.ts";
import { answerMessages } from "./worker.ts";

export interface StallOptions {
  readonly users: number;
  readonly rounds: number;
  /** Operations in a round; a quarter of them for those that change nothing. */
  readonly operations: number;
}

/**
 * Longest time in milliseconds that one operation kept everything else waiting; the minimum over several rounds. Each
 * round is long enough for the cache's occasional work, so a pause that only some rounds have comes from the machine.
 */
export interface StallFigures {
  /** Hashing the assertion without a cache: the machine's and the garbage collector's own pauses. */
  readonly floor: number;
  readonly get: number;
  /** Adding a user to a full cache, which evicts another. */
  readonly set: number;
  /** The same without the garbage collections that fell into it: the cache's own part. */
  readonly set_without_collections: number;
  /** Longest garbage collection of a round, wherever it fell. Grows with the amount of memory kept, in any cache. */
  readonly garbage_collection: number;
}

const END_MS = TOKENS_END_AT * 1000;
/** Share of the users, those added last, who are certain to be cached still. */
const RECENT_SHARE = 0.1;
const BEARER_LENGTH = "Bearer ".length;

/** Times only the operations, not the making of their input. A collection that falls into an operation counts. */
async function measureStalls({ users, rounds, operations }: StallOptions): Promise<StallFigures> {
  const cache = fullCache(users);
  let next = users;
  const assertionOf = (user: number) => authorizationOf(unsignedAssertion(user)).slice(BEARER_LENGTH);
  const oneCached = () => assertionOf(next - 1 - Math.floor(Math.random() * users * RECENT_SHARE));
  const longest = {
    floor: [] as number[],
    get: [] as number[],
    set: [] as number[],
    set_without_collections: [] as number[],
    garbage_collection: [] as number[],
  };
  const collections = observeCollections();
  for (let round = 0; round < rounds; round += 1) {
    longest.floor.push(
      longestOf(slowOnes(operations / 4, oneCached, (assertion) => cache.keyOf(assertion, GRAPH_SCOPES))),
    );
    longest.get.push(
      longestOf(
        slowOnes(operations / 4, oneCached, (assertion) => {
          if (!cache.get(cache.keyOf(assertion, GRAPH_SCOPES))) throw new Error("A user is not cached.");
        }),
      ),
    );
    const newUser = () => {
      next += 1;
      return { assertion: assertionOf(next - 1), token: { user: verifiedUser(next), accessToken: graphToken(next) } };
    };
    const sets = slowOnes(operations, newUser, ({ assertion, token }) =>
      cache.set(cache.keyOf(assertion, GRAPH_SCOPES), token, END_MS),
    );
    await sleep(10);
    const collected = collections.splice(0);
    longest.set.push(longestOf(sets));
    longest.set_without_collections.push(longestOf(sets.map((set) => withoutCollections(set, collected))));
    longest.garbage_collection.push(longestOf(collected));
  }
  if (cache.size > users || cache.size < users * 0.9) {
    throw new Error(`${cache.size} users are cached where about ${users} were expected.`);
  }
  return {
    floor: Math.min(...longest.floor),
    get: Math.min(...longest.get),
    set: Math.min(...longest.set),
    set_without_collections: Math.min(...longest.set_without_collections),
    garbage_collection: Math.min(...longest.garbage_collection),
  };
}

/** Returns a cache filled by this many users, so that the next user evicts one. */
function fullCache(users: number): TokenCache {
  const cache = new TokenCache({ maxBytes: boundFor(users) });
  for (let user = 0; user < users; user += 1) add(cache, user);
  return cache;
}

function boundFor(users: number): number {
  const probe = new TokenCache({ maxBytes: users * BYTES_PER_USER });
  const empty = probe.bytes;
  add(probe, 0);
  return empty + (probe.bytes - empty) * users;
}

function add(cache: TokenCache, user: number): void {
  const key = cache.keyOf(unsignedAssertion(user), GRAPH_SCOPES);
  cache.set(key, { user: verifiedUser(user), accessToken: graphToken(user) }, END_MS);
}

/** A span of time in milliseconds since the process began. */
interface Span {
  readonly startTime: number;
  readonly duration: number;
}

/** Returns an array that receives all garbage collections from now on, whenever the event loop is free. */
function observeCollections(): Span[] {
  const collections: Span[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) collections.push({ startTime, duration });
  });
  observer.observe({ entryTypes: ["gc"] });
  return collections;
}

/** Shortest operation to record; fewer than one in a thousand take longer. */
const SLOW_MS = 0.05;

function slowOnes<Input>(times: number, prepare: () => Input, operation: (input: Input) => unknown): Span[] {
  const slow: Span[] = [];
  for (let time = 0; time < times; time += 1) {
    const input = prepare();
    const startTime = performance.now();
    operation(input);
    const duration = performance.now() - startTime;
    if (duration > SLOW_MS) slow.push({ startTime, duration });
  }
  return slow;
}

function longestOf(spans: readonly Span[]): number {
  return spans.reduce((longest, { duration }) => Math.max(longest, duration), SLOW_MS);
}

function withoutCollections({ startTime, duration }: Span, collections: readonly Span[]): Span {
  const end = startTime + duration;
  const collected = collections.reduce((sum, collection) => {
    const overlap =
      Math.min(end, collection.startTime + collection.duration) - Math.max(startTime, collection.startTime);
    return sum + Math.max(0, overlap);
  }, 0);
  return { startTime, duration: duration - collected };
}

answerMessages(measureStalls);
