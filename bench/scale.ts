import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import pLimit from "p-limit";
import { startAzuriteTable } from "../test/support/azurite-table.ts";
import { hasRedis, startRedis } from "../test/support/redis-server.ts";
import type { FakeMicrosoft } from "./fake-microsoft.ts";
import type { InstanceOptions } from "./instance.ts";
import { makeTemporaryFolder, measure, ROOT, WorkerProcess } from "./processes.ts";
import type { SharedHitFigures } from "./shared-hit.ts";
import { percentile } from "./statistics.ts";
import { tokenPosts } from "./token-posts.ts";

export const REQUESTS_OF_A_USER = 20;
const USERS_AT_A_TIME = 20;
const FREEZES = 15;
/** Users consumed by one freeze of the store. */
const USERS_OF_A_FREEZE = 24;
/** Longest time that the breaker stays open, and a margin. */
const BREAKER_IS_OPEN_MS = 7600;

/** A store, with functions to make it stop answering, to answer again, and to end it. */
interface Store {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
  freeze?(): void;
  thaw?(): void;
  close(): Promise<void>;
}

export interface MeasuredScale {
  readonly store: string;
  readonly instances: number;
  /** Exchanges for one user. */
  readonly exchanges: number;
  /** Milliseconds of a user's first request, sent to the first instance. */
  readonly first: Percentiles;
}

/** Milliseconds of users' first requests: while the store answers, and while it does not, by the breaker's state. */
export type FrozenStore = Readonly<Record<"answers" | "closed" | "open", Percentiles>>;

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

export interface ScaleOptions {
  readonly users: number;
  readonly progress: (text: string) => void;
}

/**
 * Runs 1, 2 and 4 processes of the built app with each store, and counts the exchanges for users whose calls go to
 * random processes.
 */
export async function measureScale({ users, progress }: ScaleOptions) {
  const folder = makeTemporaryFolder();
  const microsoft = await WorkerProcess.start({ source: "fake-microsoft.ts", folder });
  try {
    const fake = await microsoft.ask<FakeMicrosoft>({ users });
    const measured: MeasuredScale[] = [];
    for (const [name, openStore] of Object.entries(storesIn(folder))) {
      for (const instances of [1, 2, 4]) {
        progress(`${name}, ${instances} processes`);
        measured.push(await withStore(openStore, (store) => measureOne({ name, store, instances, fake, folder })));
      }
    }
    progress("hits in memory");
    const hits = await measure<SharedHitFigures>({ source: "shared-hit.ts", folder, nodeOptions: ["--expose-gc"] }, {});
    progress("a store that does not answer");
    const frozen = hasRedis ? await withStore(openRedis, (store) => measureFrozen(store, fake, folder)) : undefined;
    return { measured, hits, frozen };
  } finally {
    await microsoft.stop();
  }
}

function storesIn(folder: string): Record<string, () => Promise<Store>> {
  return {
    none: async () => ({ url: "", environment: {}, close: async () => {} }),
    "Table storage (Azurite)": () => openTable(folder),
    ...(hasRedis && { Redis: openRedis }),
  };
}

async function openRedis(): Promise<Store> {
  const { url, process, close } = await startRedis();
  return {
    ...{ url, environment: {}, close },
    freeze: () => void process.kill("SIGSTOP"),
    thaw: () => void process.kill("SIGCONT"),
  };
}

async function openTable(folder: string): Promise<Store> {
  const { url, certificate, close } = await startAzuriteTable();
  const file = join(folder, "azurite.pem");
  writeFileSync(file, certificate);
  return { url, environment: { NODE_EXTRA_CA_CERTS: file }, close };
}

async function withStore<Result>(open: () => Promise<Store>, work: (store: Store) => Promise<Result>): Promise<Result> {
  const store = await open();
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

interface Run {
  readonly name: string;
  readonly store: Store;
  readonly instances: number;
  readonly fake: FakeMicrosoft;
  readonly folder: string;
}

async function measureOne({ name, store, instances, fake, folder }: Run): Promise<MeasuredScale> {
  const workers = await startInstances(instances, store, folder);
  try {
    const urls = await Promise.all(workers.map((worker) => worker.ask<string>(optionsFor(store, fake))));
    const before = await tokenPosts(fake.url);
    const first: number[] = [];
    const atATime = pLimit(USERS_AT_A_TIME);
    const calls = fake.assertions.map((assertion) =>
      atATime(async () => {
        for (let request = 0; request < REQUESTS_OF_A_USER; request += 1) {
          const ms = await timeOf(urls[Math.floor(Math.random() * instances)] ?? "", assertion);
          if (request === 0) first.push(ms);
        }
      }),
    );
    await Promise.all(calls);
    const exchanges = ((await tokenPosts(fake.url)) - before) / fake.assertions.length;
    return { store: name, instances, exchanges, first: percentilesOf(first) };
  } finally {
    await Promise.all(workers.map((worker) => worker.stop()));
  }
}

/** Times first requests, which miss the memory, one user after the other. Freezes and thaws the store many times. */
async function measureFrozen(store: Store, fake: FakeMicrosoft, folder: string): Promise<FrozenStore> {
  const [worker] = await startInstances(1, store, folder);
  if (!worker) throw new Error("No process started.");
  const users = [...fake.assertions];
  const times = { answers: [] as number[], closed: [] as number[], open: [] as number[] };
  const url = await worker.ask<string>(optionsFor(store, fake));
  const miss = async (count: number, samples: number[] = []) => {
    for (const assertion of users.splice(0, count)) samples.push(await timeOf(url, assertion));
  };
  try {
    await miss(40);
    for (let turn = 0; turn < FREEZES && users.length >= USERS_OF_A_FREEZE; turn += 1) {
      await miss(8, times.answers);
      store.freeze?.();
      // The breaker opens at the fifth failure, for at least 2.5 s.
      await miss(4, times.closed);
      await miss(2);
      await miss(8, times.open);
      store.thaw?.();
      await setTimeout(BREAKER_IS_OPEN_MS);
      // The first of these requests tells the breaker that the store answers again.
      await miss(2);
    }
    const { answers, closed, open } = times;
    return { answers: percentilesOf(answers), closed: percentilesOf(closed), open: percentilesOf(open) };
  } finally {
    store.thaw?.();
    await worker.stop();
  }
}

function percentilesOf(samples: readonly number[]): Percentiles {
  return { p50: percentile(samples, 50), p99: percentile(samples, 99) };
}

function startInstances(count: number, { environment }: Store, folder: string): Promise<WorkerProcess[]> {
  const options = { source: "instance.ts", folder, env: environment };
  return Promise.all(Array.from({ length: count }, () => WorkerProcess.start(options)));
}

function optionsFor({ url: sharedCache }: Store, { url: fakeUrl }: FakeMicrosoft): InstanceOptions {
  return { fakeUrl, appRoot: join(ROOT, "dist/api"), sharedCache };
}

async function timeOf(url: string, assertion: string): Promise<number> {
  const startedAt = performance.now();
  const response = await fetch(`${url}/api/profile`, { headers: { authorization: `Bearer ${assertion}` } });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`);
  return performance.now() - startedAt;
}
