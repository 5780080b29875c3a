import { answerInProcess, type FakeDispatcher } from "./fake-dispatcher.ts";
import { requestOf } from "./rpc-request.ts";
import { median, percentile } from "./statistics.ts";
import { type LoadedFunction, loadFunction } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

export interface InProcessOptions {
  /** Built Functions apps, by peer. */
  readonly bundles: Readonly<Record<InProcessPeer, string>>;
  /** Rising numbers of cached users, measured in turn. Only `asking` of them send requests. */
  readonly users: readonly number[];
  readonly asking: number;
  readonly batches: number;
}

/** `floor_from_source`: the floor with the library built as this app builds it. */
export type InProcessPeer = "floor" | "floor_from_source" | "ours";

/** Figures of one process, by cached users. */
export type InProcessByUsers = Readonly<Record<string, InProcessFigures>>;

/** 10th percentile over the batches of microseconds for a request, and median KiB allocated for one. */
export type InProcessFigures = Readonly<Record<InProcessPeer, { readonly us: number; readonly kib: number }>>;

interface Sample {
  readonly us: number;
  readonly kib: number;
}

const BATCH = 100;
const WARM_UP_BATCHES = 50;
const PERCENTILE = 10;
/** Step through the users, coprime with their number so that its multiples reach all of them. */
const STRIDE = 7919;

/**
 * Measures the peers in turn. Needs `--expose-gc` and young generations of 64 MiB, so that no collection falls into a
 * batch.
 */
async function measureInProcess({ bundles, users, asking, batches }: InProcessOptions): Promise<InProcessByUsers> {
  const fake = await answerInProcess(users.at(-1) ?? 0);
  const functions = new Map<InProcessPeer, LoadedFunction>();
  for (const [peer, bundle] of Object.entries(bundles) as [InProcessPeer, string][]) {
    functions.set(peer, await loadFunction(bundle, "profile"));
  }
  const figures: Record<string, InProcessFigures> = {};
  let cached = 0;
  for (const count of users) {
    for (const loaded of functions.values()) await fill(loaded, fake.assertions.slice(cached, count));
    cached = count;
    figures[count] = await measureWith(functions, fake, Math.min(asking, count), batches);
  }
  return figures;
}

async function measureWith(
  functions: ReadonlyMap<InProcessPeer, LoadedFunction>,
  fake: FakeDispatcher,
  asking: number,
  batches: number,
): Promise<InProcessFigures> {
  const samples = new Map<InProcessPeer, Sample[]>([...functions.keys()].map((peer) => [peer, []]));
  const exchanges = fake.exchanges();
  for (let batch = -Math.min(WARM_UP_BATCHES, batches); batch < batches; batch += 1) {
    for (const [peer, loaded] of functions) {
      const sample = await measureBatch(loaded, fake.assertions.slice(0, asking));
      if (batch >= 0) samples.get(peer)?.push(sample);
    }
  }
  if (fake.exchanges() !== exchanges) throw new Error("Not every request was served from the cache.");
  return Object.fromEntries([...samples].map(([peer, taken]) => [peer, summaryOf(taken)])) as InProcessFigures;
}

async function fill({ call }: LoadedFunction, assertions: readonly string[]): Promise<void> {
  for (const assertion of assertions) {
    const { statusCode, body } = await call(requestOf(assertion));
    if (statusCode !== "200")
      throw new Error(`A request was answered ${statusCode}: ${Buffer.from(body?.bytes ?? "").toString()}`);
  }
}

async function measureBatch({ call }: LoadedFunction, assertions: readonly string[]): Promise<Sample> {
  const requests = Array.from({ length: BATCH }, (_, index) =>
    requestOf(assertions[(index * STRIDE + Math.floor(Math.random() * assertions.length)) % assertions.length] ?? ""),
  );
  collectYoung();
  const heapBefore = process.memoryUsage().heapUsed;
  const start = performance.now();
  for (const request of requests) await call(request);
  const us = ((performance.now() - start) * 1000) / BATCH;
  return { us, kib: (process.memoryUsage().heapUsed - heapBefore) / 1024 / BATCH };
}

function collectYoung(): void {
  const collect = globalThis.gc as ((options: { type: "minor" }) => void) | undefined;
  if (!collect) throw new Error("This needs --expose-gc.");
  collect({ type: "minor" });
}

function summaryOf(samples: readonly Sample[]): Sample {
  return {
    us: percentile(
      samples.map(({ us }) => us),
      PERCENTILE,
    ),
    kib: median(samples.map(({ kib }) => kib)),
  };
}

answerMessages(measureInProcess);
