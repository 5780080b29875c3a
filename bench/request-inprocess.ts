import { answerInProcess, type FakeDispatcher } from "./fake-dispatcher.ts";
import { median, percentile } from "./statistics.ts";
import { type LoadedFunction, loadFunction, type RpcRequest } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

export interface InProcessOptions {
  /** Built Functions apps, by peer. */
  readonly bundles: Readonly<Record<InProcessPeer, string>>;
  /** Cached users; the requests are those of `asking` of them. */
  readonly users: number;
  readonly asking: number;
  readonly batches: number;
}

export type InProcessPeer = "floor" | "ours";

/** One process's figures: 10th percentile of the batches' microseconds a request, and median KiB allocated a request. */
export type InProcessFigures = Readonly<Record<InProcessPeer, { readonly us: number; readonly kib: number }>>;

interface Sample {
  readonly us: number;
  readonly kib: number;
}

const BATCH = 100;
const WARM_UP_BATCHES = 50;
const PERCENTILE = 10;
/** Has no divisor in common with the numbers of users, so that its multiples reach all of them. */
const STRIDE = 7919;

/** Needs `--expose-gc` and young generations of 64 MiB, so that no collection falls into a batch. */
async function measureInProcess({ bundles, users, asking, batches }: InProcessOptions): Promise<InProcessFigures> {
  const fake = await answerInProcess(users);
  const peers = Object.entries(bundles) as [InProcessPeer, string][];
  const functions = new Map<InProcessPeer, LoadedFunction>();
  for (const [peer, bundle] of peers) functions.set(peer, await loadFunction(bundle, "profile"));
  const samples = new Map<InProcessPeer, Sample[]>(peers.map(([peer]) => [peer, []]));
  for (const loaded of functions.values()) await fill(loaded, fake);
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

async function fill({ call }: LoadedFunction, { assertions }: FakeDispatcher): Promise<void> {
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

/** A request in strings of its own, as the worker makes them of what the host sends. */
function requestOf(assertion: string): RpcRequest {
  const headers = { host: "localhost", authorization: `Bearer ${assertion}`, accept: "application/json" };
  const nullableHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, { value: Buffer.from(value).toString("latin1") }]),
  );
  return {
    ...{ url: "http://localhost/api/profile", method: "GET" },
    ...{ nullableHeaders, nullableQuery: {}, nullableParams: {} },
  };
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
