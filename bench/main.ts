import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import type { BurstFigures } from "./burst.ts";
import { measureCollections, measureKinds } from "./collections.ts";
import type { ExchangeFigures } from "./exchange.ts";
import type { FakeMicrosoft } from "./fake-microsoft.ts";
import { type Figures, targetsOf } from "./figures.ts";
import type { HitFigures, HitOptions, HitPeer } from "./hit.ts";
import { measureIdentityWeb } from "./identity-web.ts";
import { appBundles, type InProcessEffort, measureRequestInProcess } from "./inprocess.ts";
import { measureColdStart, measureLoad } from "./load.ts";
import type { BoundFigures, MemoryOptions } from "./memory.ts";
import { newestNode } from "./nodes.ts";
import { measureOpenLoop } from "./open-loop.ts";
import { makeTemporaryFolder, measure, WorkerProcess } from "./processes.ts";
import { describe } from "./report.ts";
import { measureRequestCpu, type RequestCpuFigures } from "./request-cpu.ts";
import { measureScale } from "./scale.ts";
import { describeScale } from "./scale-report.ts";
import { simulateScale } from "./scale-simulation.ts";
import type { StallFigures, StallOptions } from "./stall.ts";
import { median, mediansOf, rounded, roundedAll } from "./statistics.ts";
import { writeBetweenMarks, writeDocuments } from "./write-documents.ts";

/** Amount of measuring. Smoke runs every measurement once, as small as possible; its figures mean nothing. */
interface Effort {
  readonly hitSizes: Readonly<Record<HitPeer, readonly number[]>>;
  /** Processes, one after the other, since the compiler optimizes differently in each. */
  readonly hitProcesses: number;
  readonly hitRounds: number;
  readonly hitCalls: number;
  readonly exchangeCalls: number;
  readonly users: { readonly ours: number; readonly msal: number; readonly bound: number; readonly stall: number };
  readonly stallRounds: number;
  readonly stallOperations: number;
  /** Processes, one after the other, for the same reason. */
  readonly requestProcesses: number;
  readonly requestRounds: number;
  readonly requests: number;
  readonly inProcess: InProcessEffort;
  /** Requests sent while collections are traced. */
  readonly collectedRequests: number;
  readonly openLoop: { readonly rounds: number; readonly seconds: number };
  readonly identityWeb: { readonly users: readonly number[]; readonly rounds: number; readonly requests: number };
  readonly loadRounds: number;
}

const FULL: Effort = {
  hitSizes: {
    ours: [1, 10, 100, 1000, 10_000, 100_000],
    map: [1, 10, 100, 1000, 10_000, 100_000],
    msal: [1, 10, 100, 1000, 10_000],
  },
  hitProcesses: 3,
  hitRounds: 5,
  hitCalls: 3000,
  exchangeCalls: 500,
  users: { ours: 20_000, msal: 500, bound: 200_000, stall: 100_000 },
  stallRounds: 3,
  stallOperations: 200_000,
  requestProcesses: 2,
  requestRounds: 9,
  requests: 2000,
  inProcess: { processes: 6, batches: 150, flatUsers: [1000, 10_000], flatProcesses: 2, isSmoke: false },
  collectedRequests: 40_000,
  openLoop: { rounds: 7, seconds: 3 },
  identityWeb: { users: [1, 1000, 10_000], rounds: 4, requests: 1500 },
  loadRounds: 11,
};

const SMOKE: Effort = {
  hitSizes: { ours: [1, 100_000], map: [1], msal: [1, 1000] },
  hitProcesses: 1,
  hitRounds: 1,
  hitCalls: 100,
  exchangeCalls: 10,
  users: { ours: 1000, msal: 50, bound: 50_000, stall: 1000 },
  stallRounds: 1,
  stallOperations: 1000,
  requestProcesses: 1,
  requestRounds: 1,
  requests: 50,
  inProcess: { processes: 1, batches: 2, flatUsers: [10, 20], flatProcesses: 1, isSmoke: true },
  collectedRequests: 1000,
  openLoop: { rounds: 1, seconds: 0.2 },
  // Building Microsoft.Identity.Web takes longer than the rest of the smoke run.
  identityWeb: { users: [], rounds: 0, requests: 0 },
  loadRounds: 1,
};

/** Least number of users that the fakes know, beside one whom no server has seen. The tutorial is measured with as many. */
const LEAST_ASSERTIONS = 1000;
const NODE_OPTIONS = ["--expose-gc", "--max-old-space-size=3072"];

/** Runs `npm run bench -- --scale`: the cost of many instances, with a shared cache and without. See docs/scale.md. */
async function scale(values: { readonly json?: boolean; readonly smoke?: boolean; readonly write?: boolean }) {
  progress("building the app");
  await build();
  const users = values.smoke ? 90 : 1000;
  const figures = {
    users,
    simulated: simulateScale(10_000),
    ...(await measureScale({ users, progress: progressOf("scale") })),
  };
  const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Node ${process.version}, ${new Date().toISOString().slice(0, 10)}`;
  const text = describeScale(figures, machine);
  if (values.write) await writeBetweenMarks("docs/scale.md", "npm run bench -- --scale --write", text);
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : `${text}\n`);
}

/** Runs `npm run bench [-- --runs N] [-- --json] [-- --smoke] [-- --write]`: see docs/performance.md. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...{ json: { type: "boolean" }, smoke: { type: "boolean" }, write: { type: "boolean" } },
      ...{ scale: { type: "boolean" }, runs: { type: "string", default: "1" } },
    },
  });
  if (values.scale) return scale(values);
  if (!/^[1-9]$/.test(values.runs)) throw new Error("--runs is a number from 1 to 9.");
  const runs: Figures[] = [];
  for (let run = 1; run <= Number(values.runs); run += 1) {
    progress(`run ${run} of ${values.runs}`);
    runs.push(await measureAll(values.smoke ? SMOKE : FULL));
  }
  if (values.write) await writeDocuments(runs);
  const figures = runs.length === 1 ? runs[0] : { runs };
  process.stdout.write(values.json ? `${JSON.stringify(figures, null, 2)}\n` : `${describe(runs)}\n`);
}

async function measureAll(effort: Effort): Promise<Figures> {
  const date = new Date().toISOString().slice(0, 10);
  progress("building the app");
  await build();
  const folder = makeTemporaryFolder();
  const load = await measureLoad({ folder, rounds: effort.loadRounds, progress: progressOf("load") });
  const caches = await measureCaches(effort, folder);
  const inProcess = await measureRequestInProcess(folder, effort.inProcess, progressOf("request in one process"));
  const collections = await measureGarbage(effort, folder);
  const network = await measureOverNetwork(effort, folder);
  const [processor] = cpus();
  const figures = {
    node: process.version,
    cpu: processor?.model.trim() ?? "unknown",
    cores: cpus().length,
    date,
    ...caches,
    ...network,
    request_inprocess: inProcess.byNode,
    flat_us: inProcess.flat,
    ...collections,
    load_ms: roundedAll(only("median", load.processes)),
    load_min_ms: roundedAll(only("min", load.processes)),
    dependency_load_ms: Object.fromEntries(
      Object.entries(load.dependencies).map(([name, times]) => [name, roundedAll({ ...times })]),
    ),
    cold_start_ms: measureColdStart({ folder, rounds: effort.loadRounds, progress: progressOf("cold start") }),
    bundle_bytes: load.bundleBytes,
  };
  return { ...figures, targets: targetsOf(figures) };
}

/** Measures collections of young objects on the newest Node. */
async function measureGarbage({ collectedRequests: requests }: Effort, folder: string) {
  const { path: execPath } = newestNode();
  const options = { folder, execPath, bundles: await appBundles(folder), requests };
  return {
    collections: await measureCollections({ ...options, progress: progressOf("collections") }),
    collections_by_kind: measureKinds({ execPath, progress: progressOf("collections") }),
  };
}

/** Runs the measurements that need no token endpoint outside their process. */
async function measureCaches(effort: Effort, folder: string) {
  const hit = (peer: HitPeer, process: number): Promise<HitFigures> => {
    progress(`cached exchange: ${peer}, process ${process} of ${effort.hitProcesses}`);
    const options: HitOptions = {
      ...{ peer, sizes: effort.hitSizes[peer] },
      ...{ rounds: effort.hitRounds, callsPerRound: effort.hitCalls },
    };
    return measure<HitFigures>({ source: "hit.ts", folder, nodeOptions: NODE_OPTIONS }, options);
  };
  const hits: Record<"ours" | "map", HitFigures[]> = { ours: [], map: [] };
  for (let process = 1; process <= effort.hitProcesses; process += 1) {
    // In turns, since their ratio is a target, and the machine is not always as fast.
    for (const peer of ["ours", "map"] as const) hits[peer].push(await hit(peer, process));
  }
  const memory = <Result>(what: MemoryOptions["what"]) => {
    progress(`memory: ${what}`);
    const options: MemoryOptions = { what, users: effort.users[what] };
    return measure<Result>({ source: "memory.ts", folder, nodeOptions: NODE_OPTIONS }, options);
  };
  const stalls = async () => {
    progress("longest operation");
    const { stallRounds: rounds, stallOperations: operations } = effort;
    const options: StallOptions = { users: effort.users.stall, rounds, operations };
    return measure<StallFigures>({ source: "stall.ts", folder, nodeOptions: NODE_OPTIONS }, options);
  };
  return {
    hit_us: {
      ours: roundedAll(mediansOf(hits.ours)),
      map: roundedAll(mediansOf(hits.map)),
      // One process: its differences between users are far above those between processes.
      msal: roundedAll(await hit("msal", 1)),
    },
    bytes_per_user: {
      ours: Math.round(await memory<number>("ours")),
      msal: Math.round(await memory<number>("msal")),
    },
    bound: await memory<BoundFigures>("bound"),
    stall_ms: roundedAll({ ...(await stalls()) }),
  };
}

/** Runs the measurements against the fake Entra and the fake Graph. */
async function measureOverNetwork(effort: Effort, folder: string) {
  progress("starting the fakes");
  const microsoft = await WorkerProcess.start({ source: "fake-microsoft.ts", folder });
  try {
    const users = Math.max(LEAST_ASSERTIONS, ...effort.identityWeb.users) + 1;
    const fake = await microsoft.ask<FakeMicrosoft>({ users });
    progress("cold burst");
    const burst = await measure<BurstFigures>({ source: "burst.ts", folder }, { fakeUrl: fake.url });
    progress("exchange that is not cached");
    const exchangeOptions = { fakeUrl: fake.url, calls: effort.exchangeCalls };
    const exchange = await measure<ExchangeFigures>({ source: "exchange.ts", folder }, exchangeOptions);
    const runs: RequestCpuFigures[] = [];
    for (let run = 1; run <= effort.requestProcesses; run += 1) {
      const progress = progressOf(`request, processes ${run} of ${effort.requestProcesses}`);
      const { requestRounds: rounds, requests } = effort;
      runs.push(await measureRequestCpu({ folder, fake, rounds, requests, progress }));
    }
    const cpuUs = mediansOf(runs.map((run) => run.cpuUs));
    const oursOverFloor = median(runs.map((run) => run.oursOverFloor));
    const { bare_fetch: bareFetch, ...requestCpu } = cpuUs;
    const openLoop = await measureOpenLoop({ folder, fake, ...effort.openLoop, progress: progressOf("open loop") });
    const identityWeb = await measureIdentityWeb({
      ...{ folder, fake, ...effort.identityWeb, progress: progressOf("Microsoft.Identity.Web") },
    });
    return {
      open_loop: openLoop,
      identity_web: identityWeb,
      exchange_us: { ours: roundedAll(exchange.ours), msal: roundedAll(exchange.msal) },
      cold_burst_posts: burst,
      request_cpu_us: roundedAll(requestCpu),
      ours_over_floor: rounded(oursOverFloor),
      transport_cpu_us: roundedAll({ undici: cpuUs.bare, fetch: bareFetch }),
    };
  } finally {
    await microsoft.stop();
  }
}

function only<Name extends string, Key extends string>(
  key: Key,
  values: Readonly<Record<Name, Readonly<Record<Key, number>>>>,
): Record<Name, number> {
  const entries = Object.entries<Readonly<Record<Key, number>>>(values).map(([name, value]) => [name, value[key]]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

function progressOf(part: string): (text: string) => void {
  return (text) => progress(`${part}: ${text}`);
}

/** Writes to standard error, since standard output carries the result. */
function progress(text: string): void {
  process.stderr.write(`${(performance.now() / 1000).toFixed(1)} s  ${text}\n`);
}

// Exits on a signal, so that the exit handlers end the child processes and delete the temporary folder.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

main().catch((error: Error) => {
  console.error(error.stack);
  // Exits at once: a worker started in parallel with the failed one would keep this process alive.
  process.exit(1);
});
