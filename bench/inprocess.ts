import { join } from "node:path";
import { MAJORS, newestNode, nodeOf } from "./nodes.ts";
import { bundleFile, measure, ROOT } from "./processes.ts";
import type { InProcessByUsers, InProcessFigures, InProcessOptions, InProcessPeer } from "./request-inprocess.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median, rounded, roundedAll } from "./statistics.ts";

/** A request without sockets in one process, on one version of Node. */
export interface RequestInProcess {
  readonly ours_us: number;
  readonly floor_us: number;
  readonly ours_kib: number;
  readonly floor_kib: number;
  /** The floor with the library built from its source, as this app builds it. */
  readonly floor_from_source_us: number;
  readonly floor_from_source_kib: number;
  /** Range of the processes' microseconds over the floor, divided by our median. */
  readonly spread: number;
}

/** Microseconds of a request by cached users, when 1,000 of them ask. */
export type FlatFigures = Readonly<Record<"floor" | "ours", Readonly<Record<string, number>>>>;

export interface InProcessEffort {
  readonly processes: number;
  readonly batches: number;
  /** Numbers of cached users for `FlatFigures`. */
  readonly flatUsers: readonly number[];
  readonly flatProcesses: number;
  /** Whether to measure only the Node that runs this. */
  readonly isSmoke: boolean;
}

const USERS = 200;
const ASKING = 1000;
const NODE_OPTIONS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];

/** Returns the bundles of the floors and of the built app. */
export async function appBundles(folder: string): Promise<Record<InProcessPeer, string>> {
  return {
    floor: await bundleFile("apps/floor.ts", folder),
    floor_from_source: await bundleFile("apps/floor.ts", folder, "source"),
    ours: join(ROOT, "dist/api/main.cjs"),
  };
}

/** Measures every Node that is installed, by its major version. Each round starts one process of each Node. */
export async function measureRequestInProcess(
  folder: string,
  { processes, batches, flatUsers, flatProcesses, isSmoke }: InProcessEffort,
  progress: (text: string) => void,
): Promise<{ readonly byNode: Record<string, RequestInProcess>; readonly flat: FlatFigures }> {
  const bundles = await appBundles(folder);
  const run = (execPath: string, users: readonly number[]) => {
    const options = { bundles, users, asking: ASKING, batches } satisfies InProcessOptions;
    const worker = {
      source: "request-inprocess.ts",
      folder,
      execPath,
      nodeOptions: NODE_OPTIONS,
      env: APP_ENVIRONMENT,
    };
    return measure<InProcessByUsers>(worker, options);
  };
  const majors = isSmoke ? [Number(process.versions.node.split(".")[0])] : MAJORS;
  const nodes = majors.map((major) => ({ major, path: nodeOf(major), runs: [] as InProcessFigures[] }));
  for (let each = 1; each <= processes; each += 1) {
    for (const { major, path, runs } of nodes) {
      if (path === undefined) continue;
      progress(`Node ${major}, process ${each} of ${processes}`);
      const { [USERS]: measured } = await run(path, [USERS]);
      if (measured) runs.push(measured);
    }
  }
  const flat: Record<"floor" | "ours", Record<string, number[]>> = { floor: {}, ours: {} };
  const { major, path } = newestNode();
  for (let each = 1; each <= flatProcesses; each += 1) {
    progress(`Node ${major}, ${flatUsers.join(" and ")} users cached, process ${each} of ${flatProcesses}`);
    for (const [users, { floor, ours }] of Object.entries(await run(path, flatUsers))) {
      flat.floor[users] = [...(flat.floor[users] ?? []), floor.us];
      flat.ours[users] = [...(flat.ours[users] ?? []), ours.us];
    }
  }
  const measured = nodes.filter(({ runs }) => runs.length > 0);
  const byNode = Object.fromEntries(measured.map(({ major: each, runs }) => [each, summaryOf(runs)]));
  return { byNode, flat: { floor: mediansOfEach(flat.floor), ours: mediansOfEach(flat.ours) } };
}

function mediansOfEach(values: Readonly<Record<string, readonly number[]>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([users, each]) => [users, rounded(median(each))]));
}

function summaryOf(runs: readonly InProcessFigures[]): RequestInProcess {
  const of = (peer: InProcessPeer, figure: "us" | "kib") => median(runs.map((run) => run[peer][figure]));
  const over = runs.map((run) => run.ours.us - run.floor.us);
  return roundedAll({
    ours_us: of("ours", "us"),
    floor_us: of("floor", "us"),
    ours_kib: of("ours", "kib"),
    floor_kib: of("floor", "kib"),
    floor_from_source_us: of("floor_from_source", "us"),
    floor_from_source_kib: of("floor_from_source", "kib"),
    spread: (Math.max(...over) - Math.min(...over)) / of("ours", "us"),
  });
}
