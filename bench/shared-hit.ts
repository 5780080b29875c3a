import { SharedCache } from "shared-token-cache";
import { FakeStore } from "../test/support/fake-store.ts";
import { BYTES_PER_USER, createInstantClient, createOnBehalfOf, exchangeOf } from "./ours.ts";
import { percentile } from "./statistics.ts";
import { answerMessages } from "./worker.ts";

/** 10th percentile of the microseconds of an exchange cached in memory, without a shared cache and with one. */
export type SharedHitFigures = Readonly<Record<"without" | "with", number>>;

const USERS = 1000;
const ROUNDS = 300;
const CALLS = 1000;

/** Measures both in turn, so that other load on the machine falls on both alike. */
async function measureSharedHits(): Promise<SharedHitFigures> {
  const store = new FakeStore();
  const shared = new SharedCache(store);
  const peers = [undefined, () => shared].map((cache) => ({
    samples: [] as number[],
    onBehalfOf: createOnBehalfOf(createInstantClient(), USERS * 2 * BYTES_PER_USER, cache),
  }));
  const exchanges = Array.from({ length: USERS }, (_, user) => exchangeOf(user));
  for (const { onBehalfOf } of peers) for (const exchange of exchanges) await onBehalfOf.exchange(exchange);
  const asked = store.calls.length;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { onBehalfOf, samples } of round % 2 ? peers : peers.toReversed()) {
      const startedAt = performance.now();
      for (let call = 0; call < CALLS; call += 1) await onBehalfOf.exchange(exchanges[call % USERS] ?? exchangeOf(0));
      if (round >= ROUNDS / 6) samples.push(((performance.now() - startedAt) * 1000) / CALLS);
    }
  }
  if (store.calls.length !== asked) throw new Error("A hit in memory asked the store.");
  const [without = 0, withShared = 0] = peers.map(({ samples }) => percentile(samples, 10));
  return { without, with: withShared };
}

answerMessages<object>(measureSharedHits);
