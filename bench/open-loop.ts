import type { FakeMicrosoft } from "./fake-microsoft.ts";
import type { GatewayMessage } from "./gateway.ts";
import { appBundles } from "./inprocess.ts";
import type { LoadFigures, LoadOptions } from "./load-generator.ts";
import { newestNode } from "./nodes.ts";
import { bundleFile, WorkerProcess } from "./processes.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median, roundedAll } from "./statistics.ts";

type Peer = "floor" | "floor_from_source" | "ours" | "tutorial_100_users";

/** Latency in milliseconds at a constant rate, and the 99th percentile of the event loop's delay; medians of the rounds. */
export interface OpenLoopLatency {
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly p999_ms: number;
  readonly loop_delay_p99_ms: number;
}

/**
 * Latency by percentage of the capacity, and by peer. The floors get our rate; the tutorial gets the same share of its
 * own capacity.
 */
export interface OpenLoopFigures {
  readonly node: string;
  /** Requests a second that get answered over 32 connections. */
  readonly capacity: Readonly<Record<Peer, number>>;
  readonly at: Readonly<Record<string, Readonly<Record<Peer, OpenLoopLatency>>>>;
}

export interface OpenLoopOptions {
  readonly folder: string;
  readonly fake: FakeMicrosoft;
  readonly rounds: number;
  readonly seconds: number;
  readonly progress: (text: string) => void;
}

interface Server {
  readonly peer: Peer;
  readonly process: WorkerProcess;
  readonly url: string;
  readonly assertions: readonly string[];
}

const SHARES = [45, 80] as const;
const USERS = 200;
const TUTORIAL_USERS = 100;

/** Measures the peers in turn on the newest Node. The load generator, each server and the fakes are separate processes. */
export async function measureOpenLoop(options: OpenLoopOptions): Promise<OpenLoopFigures> {
  const { folder, rounds, seconds, progress } = options;
  const { major, path: execPath } = newestNode();
  await bundleFile("gateway.ts", folder);
  const generator = await WorkerProcess.start({ source: "load-generator.ts", folder, execPath });
  const servers = await Promise.all(await startServers(options, execPath));
  const load = ({ url, assertions }: Server, rate?: number) =>
    generator.ask<LoadFigures>({ url, assertions, seconds, rate } satisfies LoadOptions);
  try {
    const capacity: Partial<Record<Peer, number>> = {};
    for (const server of servers) {
      progress(`capacity of ${server.peer}`);
      await load(server);
      capacity[server.peer] = (await load(server)).perSecond;
    }
    const found = capacity as Record<Peer, number>;
    const at: Record<string, Record<Peer, OpenLoopLatency>> = {};
    for (const share of SHARES) {
      const taken = new Map<Peer, OpenLoopLatency[]>();
      for (let round = 1; round <= rounds; round += 1) {
        progress(`${share} % of the capacity, round ${round} of ${rounds}`);
        for (const server of servers) {
          if (server.peer === "tutorial_100_users" && round > 1) continue;
          const rate = (found[server.peer === "tutorial_100_users" ? server.peer : "ours"] * share) / 100;
          taken.set(server.peer, [
            ...(taken.get(server.peer) ?? []),
            await measureAt(server, () => load(server, rate)),
          ]);
        }
      }
      at[share] = Object.fromEntries([...taken].map(([peer, each]) => [peer, medians(each)])) as Record<
        Peer,
        OpenLoopLatency
      >;
    }
    return { node: String(major), capacity: roundedAll(found), at };
  } finally {
    await Promise.all([generator, ...servers.map(({ process }) => process)].map((each) => each.stop()));
  }
}

async function startServers({ folder, fake }: OpenLoopOptions, execPath: string): Promise<Promise<Server>[]> {
  const bundles = { ...(await appBundles(folder)), tutorial_100_users: await bundleFile("apps/tutorial.ts", folder) };
  return Object.entries(bundles).map(async ([name, bundle]) => {
    const peer = name as Peer;
    const worker = await WorkerProcess.start({ source: "gateway.ts", folder, execPath, env: APP_ENVIRONMENT });
    const assertions = fake.assertions.slice(0, peer === "tutorial_100_users" ? TUTORIAL_USERS : USERS);
    const seed = peer === "tutorial_100_users" ? { seed: assertions } : {};
    const start = { type: "start", fakeUrl: fake.url, app: { bundle }, ...seed } satisfies GatewayMessage;
    return { peer, process: worker, url: await worker.ask<string>(start), assertions };
  });
}

async function measureAt(server: Server, load: () => Promise<LoadFigures>): Promise<OpenLoopLatency> {
  // Resets the delay: the figure so far is not wanted.
  await server.process.ask<number>({ type: "loop-delay" } satisfies GatewayMessage);
  const { perSecond, p50, p99, p999 } = await load();
  const delay = await server.process.ask<number>({ type: "loop-delay" } satisfies GatewayMessage);
  return { per_second: perSecond, p50_ms: p50, p99_ms: p99, p999_ms: p999, loop_delay_p99_ms: delay };
}

function medians(values: readonly OpenLoopLatency[]): OpenLoopLatency {
  const of = (key: keyof OpenLoopLatency) => median(values.map((value) => value[key]));
  return roundedAll({
    per_second: of("per_second"),
    p50_ms: of("p50_ms"),
    p99_ms: of("p99_ms"),
    p999_ms: of("p999_ms"),
    loop_delay_p99_ms: of("loop_delay_p99_ms"),
  });
}
