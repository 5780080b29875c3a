import { join } from "node:path";
import { Pool } from "undici";
import type { FakeMicrosoft } from "./fake-microsoft.ts";
import type { CpuTime, GatewayMessage } from "./gateway.ts";
import { bundleFile, ROOT, WorkerProcess } from "./processes.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median } from "./statistics.ts";
import { tokenPosts } from "./token-posts.ts";

type Peer = "bare" | "bare_fetch" | "floor" | "ours" | "tutorial_1_user" | "tutorial_100_users" | "tutorial_1000_users";

export interface RequestCpuFigures {
  /** Microseconds of processor time for a request, all threads of the gateway's process. */
  readonly cpuUs: Readonly<Record<Peer, number>>;
  /** Median over the rounds of the ratio within one round. */
  readonly oursOverFloor: number;
}

export interface RequestCpuOptions {
  readonly folder: string;
  readonly fake: FakeMicrosoft;
  readonly rounds: number;
  /** Requests to each fast peer in a round. */
  readonly requests: number;
  readonly progress: (text: string) => void;
}

interface Gateway {
  readonly peer: Peer;
  readonly users: number;
  readonly process: WorkerProcess;
  readonly pool: Pool;
  readonly samples: number[];
}

const GATEWAY = "gateway.ts";
const CONCURRENCY = 32;
const WARM_UP_ROUNDS = 4;
const USERS = 200;
const FAST: readonly Peer[] = ["bare", "floor", "ours", "bare_fetch"];
const TUTORIALS = { tutorial_1_user: 1, tutorial_100_users: 100, tutorial_1000_users: 1000 } as const;
const SLOW_ROUNDS = 3;
/** Step through the users, coprime with their number so that its multiples reach all of them. */
const STRIDE = 7919;

/** Measures the peers in turn, round after round. Throws if a request is not answered with 200 from the cache. */
export async function measureRequestCpu(options: RequestCpuOptions): Promise<RequestCpuFigures> {
  const gateways = await startAll(options);
  try {
    const fast = gateways.filter(({ peer }) => FAST.includes(peer));
    const slow = gateways.filter(({ peer }) => !FAST.includes(peer));
    await runRounds({ ...options, rounds: Math.min(WARM_UP_ROUNDS, options.rounds) }, fast, () => options.requests);
    for (const { samples } of fast) samples.length = 0;
    const posts = await tokenPosts(options.fake.url);
    await runRounds(options, fast, () => options.requests);
    // A request takes longer the more users MSAL has cached, so slow peers get fewer.
    const fewRequests = ({ users }: Gateway) => Math.ceil(options.requests / (5 + users / 25));
    await runRounds({ ...options, rounds: 1 }, slow, fewRequests);
    for (const { samples } of slow) samples.length = 0;
    await runRounds({ ...options, rounds: Math.min(SLOW_ROUNDS, options.rounds) }, slow, fewRequests);
    if ((await tokenPosts(options.fake.url)) !== posts) throw new Error("Not every request was served from the cache.");
    return figuresOf(gateways);
  } finally {
    await Promise.all(gateways.map(stop));
  }
}

async function startAll({ folder, fake, progress }: RequestCpuOptions): Promise<Gateway[]> {
  const floor = { bundle: await bundleFile("apps/floor.ts", folder) };
  const tutorial = { bundle: await bundleFile("apps/tutorial.ts", folder) };
  const start = (peer: Peer, app: Start["app"], users = USERS) => startGateway({ folder, fake, peer, app, users });
  progress("starting the gateways");
  await bundleFile(GATEWAY, folder);
  return Promise.all([
    start("bare", "plain"),
    start("floor", floor),
    start("ours", { bundle: join(ROOT, "dist/api/main.cjs") }),
    start("bare_fetch", "plain-fetch"),
    ...Object.entries(TUTORIALS).map(([peer, users]) => start(peer as Peer, tutorial, users)),
  ]);
}

type Start = Extract<GatewayMessage, { type: "start" }>;

async function startGateway({
  folder,
  fake,
  peer,
  app,
  users,
}: Pick<RequestCpuOptions, "folder" | "fake"> &
  Pick<Gateway, "peer" | "users"> &
  Pick<Start, "app">): Promise<Gateway> {
  const worker = await WorkerProcess.start({ source: GATEWAY, folder, env: APP_ENVIRONMENT });
  const seed = peer.startsWith("tutorial") ? { seed: fake.assertions.slice(0, users) } : {};
  const url = await worker.ask<string>({ type: "start", fakeUrl: fake.url, app, ...seed } satisfies GatewayMessage);
  const gateway = { peer, users, process: worker, pool: new Pool(url, { connections: CONCURRENCY }), samples: [] };
  // Sends one request for each user, so that all are cached.
  await sendAll(gateway, fake, peer.startsWith("tutorial") ? 1 : users);
  return gateway;
}

async function runRounds(
  { fake, rounds, progress }: Pick<RequestCpuOptions, "fake" | "rounds" | "progress">,
  gateways: readonly Gateway[],
  requestsOf: (gateway: Gateway) => number,
): Promise<void> {
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}: ${gateways.map(({ peer }) => peer).join(", ")}`);
    for (const gateway of gateways) {
      const requests = requestsOf(gateway);
      const before = await gateway.process.ask<CpuTime>({ type: "cpu" });
      await sendAll(gateway, fake, requests);
      const after = await gateway.process.ask<CpuTime>({ type: "cpu" });
      gateway.samples.push((after - before) / requests);
    }
  }
}

/** Rotates over the users, with `CONCURRENCY` requests at a time. */
async function sendAll({ pool, users, peer }: Gateway, { assertions }: FakeMicrosoft, requests: number): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < requests) {
      const assertion = assertions[(next * STRIDE) % users] ?? "";
      next += 1;
      const { statusCode, body } = await pool.request({
        method: "GET",
        path: "/api/profile",
        headers: { authorization: `Bearer ${assertion}`, accept: "application/json", "user-agent": "bench" },
      });
      const text = await body.text();
      if (statusCode !== 200) throw new Error(`${peer} answered ${statusCode}: ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, sender));
}

function figuresOf(gateways: readonly Gateway[]): RequestCpuFigures {
  const samples = Object.fromEntries(gateways.map((gateway) => [gateway.peer, gateway.samples])) as Record<
    Peer,
    number[]
  >;
  const cpuUs = Object.fromEntries(gateways.map((gateway) => [gateway.peer, median(gateway.samples)]));
  const ratios = samples.ours.map((ours, round) => ours / (samples.floor[round] ?? Number.NaN));
  return { cpuUs: cpuUs as RequestCpuFigures["cpuUs"], oursOverFloor: median(ratios) };
}

async function stop({ pool, process: worker }: Gateway): Promise<void> {
  await pool.destroy();
  await worker.stop();
}
