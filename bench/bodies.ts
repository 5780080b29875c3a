import { readOneChunk, readWhole } from "./body-callers.ts";
import type { BodyPeer, BodyWorkerMessage, Settled } from "./body-worker.ts";
import { WorkerProcess } from "./processes.ts";
import { median, rounded, roundedAll } from "./statistics.ts";

type ByPeer = Readonly<Record<BodyPeer, number>>;

/** Of answers whose bodies are streams. */
export interface BodiesFigures {
  /** Of one body. */
  readonly mib: number;
  /** Who have read one chunk and read no more. */
  readonly slow_callers: number;
  /** Heap and memory outside of it, for each of them. */
  readonly held_mib: ByPeer;
  /** What the whole process grew by, for each of them. */
  readonly resident_mib: ByPeer;
  /** For each caller who left after one chunk. */
  readonly made_mib: ByPeer;
  /** Of processor time, for each MiB that a fast caller reads. */
  readonly cpu_us_per_mib: ByPeer;
  /** Median of the rounds' own ratios of that time. */
  readonly ours_over: { readonly floor: number; readonly library: number };
}

export interface BodiesEffort {
  readonly mib: number;
  /** How many are slow, and then how many leave. */
  readonly callers: number;
  readonly processes: number;
  /** In each process. */
  readonly rounds: number;
  /** To the fast caller, one after the other, in each round. */
  readonly bodies: number;
}

interface BodiesOptions extends BodiesEffort {
  readonly folder: string;
  readonly progress: (text: string) => void;
}

interface Sender {
  readonly peer: BodyPeer;
  readonly process: WorkerProcess;
  readonly port: number;
}

const PEERS: readonly BodyPeer[] = ["floor", "ours", "library"];
/** The first bodies of a process take several times as long, of every peer's. */
const WARM_UP_ROUNDS = 5;
const MEBIBYTE = 2 ** 20;

/** The callers are in this process. A body that does not arrive whole is an error. */
export async function measureBodies(options: BodiesOptions): Promise<BodiesFigures> {
  const cpu = await measureCpu(options);
  const memory = {} as Record<BodyPeer, Memory>;
  for (const peer of PEERS) {
    options.progress(`slow callers: ${peer}`);
    memory[peer] = await withSenders(options, [peer], ([sender]) => measureMemory(sender as Sender, options));
  }
  return {
    mib: options.mib,
    slow_callers: options.callers,
    held_mib: byPeer((peer) => rounded(memory[peer].held)),
    resident_mib: byPeer((peer) => rounded(memory[peer].resident)),
    made_mib: byPeer((peer) => rounded(memory[peer].made)),
    ...cpu,
  };
}

/** In processes one after the other, since memory does not lie the same in each. */
async function measureCpu(options: BodiesOptions): Promise<Pick<BodiesFigures, "cpu_us_per_mib" | "ours_over">> {
  const samples = byPeer((): number[] => []);
  for (let run = 1; run <= options.processes; run += 1) {
    options.progress(`fast caller: process ${run} of ${options.processes}`);
    await withSenders(options, PEERS, (senders) => runRounds(senders, options, samples));
  }
  const oursOver = (peer: BodyPeer) =>
    median(samples.ours.map((used, round) => used / (samples[peer][round] ?? Number.NaN)));
  return {
    cpu_us_per_mib: roundedAll(byPeer((peer) => median(samples[peer]))),
    ours_over: roundedAll({ floor: oursOver("floor"), library: oursOver("library") }),
  };
}

/** The peers take turns, round after round. */
async function runRounds(
  senders: readonly Sender[],
  { rounds, bodies, mib }: BodiesEffort,
  samples: Readonly<Record<BodyPeer, number[]>>,
): Promise<void> {
  for (let round = 1 - Math.min(WARM_UP_ROUNDS, rounds); round <= rounds; round += 1) {
    for (const { peer, process, port } of senders) {
      const before = await ask<number>(process, { type: "cpu" });
      for (let body = 0; body < bodies; body += 1) await readWhole(port, mib * MEBIBYTE);
      const used = (await ask<number>(process, { type: "cpu" })) - before;
      if (round > 0) samples[peer].push(used / (bodies * mib));
    }
  }
}

/** MiB for each caller. */
type Memory = Readonly<Record<"held" | "resident" | "made", number>>;

async function measureMemory({ process, port }: Sender, { mib, callers }: BodiesOptions): Promise<Memory> {
  const settled = () => ask<Settled>(process, { type: "settled" });
  const all = <T>(call: () => Promise<T>) => Promise.all(Array.from({ length: callers }, call));
  const perCaller = (bytes: number) => bytes / callers / MEBIBYTE;
  // So that code is compiled, and what the first body needs is there.
  await readWhole(port, mib * MEBIBYTE);
  const idle = await settled();
  const slow = await all(() => readOneChunk(port));
  const busy = await settled();
  for (const answer of slow) answer.destroy();
  const { madeBytes } = await settled();
  await all(async () => (await readOneChunk(port)).destroy());
  return {
    held: perCaller(busy.heldBytes - idle.heldBytes),
    resident: perCaller(busy.residentBytes - idle.residentBytes),
    made: perCaller((await settled()).madeBytes - madeBytes),
  };
}

async function withSenders<T>(
  { folder, mib }: BodiesOptions,
  peers: readonly BodyPeer[],
  run: (senders: readonly Sender[]) => Promise<T>,
): Promise<T> {
  const senders: Sender[] = [];
  const started: WorkerProcess[] = [];
  try {
    for (const peer of peers) {
      const process = await WorkerProcess.start({ source: "body-worker.ts", folder, nodeOptions: ["--expose-gc"] });
      started.push(process);
      senders.push({ peer, process, port: await ask(process, { type: "start", peer, bodyBytes: mib * MEBIBYTE }) });
    }
    return await run(senders);
  } finally {
    await Promise.all(started.map((process) => process.stop()));
  }
}

function ask<Result>(process: WorkerProcess, message: BodyWorkerMessage): Promise<Result> {
  return process.ask<Result>(message);
}

function byPeer<T>(ofPeer: (peer: BodyPeer) => T): Record<BodyPeer, T> {
  return Object.fromEntries(PEERS.map((peer) => [peer, ofPeer(peer)])) as Record<BodyPeer, T>;
}
