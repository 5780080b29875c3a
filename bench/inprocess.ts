import { existsSync } from "node:fs";
import { join } from "node:path";
import { bundleFile, measure, ROOT } from "./processes.ts";
import type { InProcessFigures, InProcessOptions } from "./request-inprocess.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median, rounded, roundedAll } from "./statistics.ts";

/** A request in one process without sockets, on one Node. */
export interface RequestInProcess {
  readonly ours_us: number;
  readonly floor_us: number;
  readonly ours_kib: number;
  readonly floor_kib: number;
  /** Largest less least of the processes' microseconds, over their median. */
  readonly spread: number;
  /** Microseconds over the floor with 10,000 cached users, of whom 1,000 ask, less the same with 1,000. Absent where it was not measured. */
  readonly rise_us?: number;
}

export interface InProcessEffort {
  readonly processes: number;
  readonly batches: number;
  /** Whether to measure this Node alone, and no `rise_us`. */
  readonly isSmoke: boolean;
}

/** This Node, and those that Azure runs. */
const MAJORS = [20, 22, 24];
const USERS = 200;
const ASKING = 1000;
const FEW_CACHED = 1000;
const MANY_CACHED = 10_000;
const NODE_OPTIONS = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];

/** Measures every Node that is here, by its major version. The Nodes take turns, process by process. */
export async function measureRequestInProcess(
  folder: string,
  { processes, batches, isSmoke }: InProcessEffort,
  progress: (text: string) => void,
): Promise<Record<string, RequestInProcess>> {
  const bundles = { floor: await bundleFile("apps/floor.ts", folder), ours: join(ROOT, "dist/api/main.cjs") };
  const run = (execPath: string, users: number, asking: number) => {
    const worker = {
      source: "request-inprocess.ts",
      folder,
      execPath,
      nodeOptions: NODE_OPTIONS,
      env: APP_ENVIRONMENT,
    };
    return measure<InProcessFigures>(worker, { bundles, users, asking, batches } satisfies InProcessOptions);
  };
  const majors = isSmoke ? [Number(process.versions.node.split(".")[0])] : MAJORS;
  const nodes = majors.map((major) => ({ major, path: nodeOf(major), runs: [] as InProcessFigures[] }));
  for (let each = 1; each <= processes; each += 1) {
    for (const { major, path, runs } of nodes) {
      if (path === undefined) continue;
      progress(`Node ${major}, process ${each} of ${processes}`);
      runs.push(await run(path, USERS, USERS));
    }
  }
  const newest = nodes.findLast(({ path }) => path !== undefined);
  const overFloor = async (users: number) => {
    progress(`Node ${newest?.major}, ${users} users cached`);
    const { ours, floor } = await run(newest?.path ?? process.execPath, users, ASKING);
    return ours.us - floor.us;
  };
  const rise = !isSmoke && { rise_us: rounded(-(await overFloor(FEW_CACHED)) + (await overFloor(MANY_CACHED))) };
  const measured = nodes.filter(({ runs }) => runs.length > 0);
  return Object.fromEntries(
    measured.map((node) => [node.major, { ...summaryOf(node.runs), ...(node === newest && rise) }]),
  );
}

function summaryOf(runs: readonly InProcessFigures[]): RequestInProcess {
  const ours = runs.map((run) => run.ours.us);
  return roundedAll({
    ours_us: median(ours),
    floor_us: median(runs.map((run) => run.floor.us)),
    ours_kib: median(runs.map((run) => run.ours.kib)),
    floor_kib: median(runs.map((run) => run.floor.kib)),
    spread: (Math.max(...ours) - Math.min(...ours)) / median(ours),
  });
}

/** Returns the executable of a Node: this one's, or of the npm package `node-<platform>-<arch>` in `.local/node-<major>`. */
function nodeOf(major: number): string | undefined {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(ROOT, `.local/node-${major}/node_modules/${name}/bin/node`);
  return existsSync(path) ? path : undefined;
}
