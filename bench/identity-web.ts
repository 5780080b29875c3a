import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";
import { Pool, request } from "undici";
import type { FakeMicrosoft } from "./fake-microsoft.ts";
import type { GatewayMessage } from "./gateway.ts";
import { newestNode } from "./nodes.ts";
import { bundleFile, ROOT, WorkerProcess } from "./processes.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median, roundedAll } from "./statistics.ts";
import { tokenPosts } from "./token-posts.ts";

type Mode = "floor" | "untuned" | "tuned";
type Peer = "ours" | "node_floor" | "dotnet_floor" | "untuned" | "tuned";

/** Microsoft.Identity.Web in ASP.NET beside this app, and the floor of each stack, all against the same fakes. */
export interface IdentityWebFigures {
  readonly dotnet: string;
  readonly node: string;
  /** Microseconds of processor time for a request, by cached users. */
  readonly request_cpu_us: Readonly<Record<string, Readonly<Record<Peer, number>>>>;
  /** MiB of the whole process with the most users. */
  readonly memory_mib: Readonly<Record<Peer, number>>;
  /** POSTs at the token endpoint for 100 equal cold requests at once. */
  readonly cold_burst_posts: Readonly<Record<"ours" | "untuned" | "tuned", number>>;
  /** Milliseconds from the start of the process until it listens; for ours, until the app is loaded and its gateway listens. */
  readonly start_ms: Readonly<Record<Peer, number>>;
}

export interface IdentityWebOptions {
  readonly folder: string;
  readonly fake: FakeMicrosoft;
  /** Rising numbers of cached users. The fakes must hold more assertions than the last number. */
  readonly users: readonly number[];
  readonly rounds: number;
  readonly requests: number;
  readonly progress: (text: string) => void;
}

interface Server {
  readonly peer: Peer;
  readonly pool: Pool;
  readonly startMs: number;
  /** Microseconds of processor time so far, and bytes of the whole process. */
  cpu(): Promise<number>;
  memory(): Promise<number>;
  stop(): Promise<void>;
}

const CONCURRENCY = 32;
const BURST = 100;
const WARM_UP_ROUNDS = 4;
/** Step through the users, coprime with their number so that its multiples reach all of them. */
const STRIDE = 7919;
const run = promisify(execFile);

/** Measures the peers in turn. Returns the reason instead if `dotnet` is missing or NuGet cannot be reached. */
export async function measureIdentityWeb(
  options: IdentityWebOptions,
): Promise<IdentityWebFigures | { readonly absent: string }> {
  if (options.users.length === 0) return { absent: "a smoke run leaves it out." };
  const version = await run("dotnet", ["--version"]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version === undefined) return { absent: "dotnet is not there." };
  options.progress(`building with dotnet ${version}`);
  const output = join(options.folder, "identity-web");
  const built = await build(output).catch(() => undefined);
  if (!built) return { absent: `dotnet ${version} could not build it: NuGet may not be reachable.` };
  const servers: Server[] = [];
  try {
    for (const mode of ["floor", "untuned", "tuned"] as const)
      servers.push(await startDotnet(output, mode, options.fake));
    servers.push(await startNode("node_floor", options), await startNode("ours", options));
    return { dotnet: version, ...(await measureAll(servers, options)) };
  } catch (error) {
    return { absent: `it was begun and failed: ${(error as Error).message}` };
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

function build(output: string) {
  const project = join(ROOT, "bench/identity-web/IdentityWeb.csproj");
  const folders = ["-o", output, `-p:BaseIntermediateOutputPath=${output}-obj/`];
  const quiet = ["-nologo", "-v", "quiet", "--nodereuse:false", "-p:UseSharedCompilation=false", "-p:NuGetAudit=false"];
  const env = { ...process.env, DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1" };
  return run("dotnet", ["build", project, "-c", "Release", ...folders, ...quiet], { env, timeout: 120_000 });
}

async function measureAll(servers: readonly Server[], options: IdentityWebOptions) {
  const { fake, users, rounds, requests, progress } = options;
  const cpu: Record<string, Record<Peer, number>> = {};
  let filled = 0;
  for (const count of users) {
    progress(`${count} users: filling`);
    for (const server of servers) await sendAll(server, fake.assertions.slice(filled, count), count - filled, 1);
    filled = count;
    const samples = new Map<Peer, number[]>(servers.map(({ peer }) => [peer, []]));
    // Rounds up to 0 are warm-up: more of them at first, since .NET recompiles code that is used much.
    for (let round = count === users[0] ? -WARM_UP_ROUNDS : 0; round <= rounds; round += 1) {
      progress(`${count} users: round ${round} of ${rounds}`);
      for (const server of servers) {
        const before = await server.cpu();
        await sendAll(server, fake.assertions.slice(0, count), requests, STRIDE);
        if (round > 0) samples.get(server.peer)?.push(((await server.cpu()) - before) / requests);
      }
    }
    cpu[count] = byPeer([...samples].map(([peer, taken]) => [peer, median(taken)]));
  }
  const memory = await Promise.all(servers.map(async (one) => [one.peer, (await one.memory()) / 2 ** 20] as const));
  return {
    node: String(newestNode().major),
    request_cpu_us: cpu,
    memory_mib: byPeer(memory),
    cold_burst_posts: await burstPosts(servers, fake),
    start_ms: byPeer(servers.map(({ peer, startMs }) => [peer, startMs])),
  };
}

function byPeer(entries: readonly (readonly [Peer, number])[]): Record<Peer, number> {
  return roundedAll(Object.fromEntries(entries) as Record<Peer, number>);
}

/** Counts the token requests for a user whom no server has seen yet. */
async function burstPosts(servers: readonly Server[], { url, assertions }: FakeMicrosoft) {
  const last = assertions.at(-1) ?? "";
  const posts: Record<string, number> = {};
  for (const server of servers.filter(({ peer }) => !peer.endsWith("floor"))) {
    const before = await tokenPosts(url);
    await Promise.all(Array.from({ length: BURST }, () => send(server, last)));
    posts[server.peer] = (await tokenPosts(url)) - before;
  }
  return posts as IdentityWebFigures["cold_burst_posts"];
}

async function sendAll(server: Server, assertions: readonly string[], requests: number, stride: number): Promise<void> {
  let next = 0;
  const sender = async () => {
    while (next < requests) {
      const assertion = assertions[(next * stride) % assertions.length] ?? "";
      next += 1;
      await send(server, assertion);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, sender));
}

async function send({ pool, peer }: Server, assertion: string): Promise<void> {
  const headers = { authorization: `Bearer ${assertion}`, accept: "application/json" };
  const { statusCode, body } = await pool.request({ method: "GET", path: "/api/profile", headers });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${peer} answered ${statusCode}: ${text.slice(0, 500)}`);
}

async function startDotnet(folder: string, mode: Mode, { url: fakeUrl }: FakeMicrosoft): Promise<Server> {
  const started = performance.now();
  const child = spawn("dotnet", [join(folder, "IdentityWeb.dll"), mode, "--urls", "http://127.0.0.1:0"], {
    env: {
      ...process.env,
      ...{ FAKES_URL: fakeUrl, DOTNET_CLI_TELEMETRY_OPTOUT: "1", ASPNETCORE_URLS: "http://127.0.0.1:0" },
      ...{ AzureAd__Instance: `${AUTHORITY_ORIGIN}/`, AzureAd__TenantId: TENANT_ID },
      ...{ AzureAd__ClientId: API.clientId, AzureAd__ClientSecret: API.clientSecrets[0] },
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  const url = await addressOf(child);
  const startMs = performance.now() - started;
  const read = async (path: string) => Number(await (await request(`${url}${path}`)).body.text());
  const pool = new Pool(url, { connections: BURST });
  const stop = async () => {
    await pool.destroy();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    kill();
    await ended;
  };
  const peer = mode === "floor" ? "dotnet_floor" : mode;
  return { peer, pool, startMs, cpu: () => read("/cpu"), memory: () => read("/memory"), stop };
}

/** Resolves to the app's URL. Its other output goes to standard error. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("exit", () => reject(new Error("The ASP.NET app ended.")));
    createInterface({ input: child.stdout as Readable }).on("line", (line) => {
      const [, url] = /^Listening on (\S+)/.exec(line) ?? [];
      if (url === undefined) process.stderr.write(`${line}\n`);
      else resolve(url);
    });
  });
}

async function startNode(peer: "ours" | "node_floor", { folder, fake }: IdentityWebOptions): Promise<Server> {
  const bundle = peer === "ours" ? join(ROOT, "dist/api/main.cjs") : await bundleFile("apps/floor.ts", folder);
  await bundleFile("gateway.ts", folder);
  const started = performance.now();
  const worker = await WorkerProcess.start({
    ...{ source: "gateway.ts", folder, execPath: newestNode().path, env: APP_ENVIRONMENT },
  });
  const message = { type: "start", fakeUrl: fake.url, app: { bundle } } satisfies GatewayMessage;
  const pool = new Pool(await worker.ask<string>(message), { connections: BURST });
  const startMs = performance.now() - started;
  const ask = (type: "cpu" | "memory") => worker.ask<number>({ type } satisfies GatewayMessage);
  const stop = async () => {
    await pool.destroy();
    await worker.stop();
  };
  return { peer, pool, startMs, cpu: () => ask("cpu"), memory: () => ask("memory"), stop };
}
