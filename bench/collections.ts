import { execFileSync } from "node:child_process";
import { bundleFile } from "./processes.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { roundedAll } from "./statistics.ts";

/** Collections of young objects while 32 requests at a time are served: means, without the first quarter of the collections. */
export interface CollectionFigures {
  readonly pause_ms: number;
  /** MiB found alive by one collection; `promoted_mib` is the part it moved to the old generation. */
  readonly survived_mib: number;
  readonly promoted_mib: number;
}

export interface CollectionsOptions {
  readonly folder: string;
  readonly execPath: string;
  /** Built Functions apps, by peer. */
  readonly bundles: Readonly<Record<string, string>>;
  readonly requests: number;
  readonly progress: (text: string) => void;
}

const CONCURRENCY = 32;
const OBJECTS = 100_000;

/** Functions and fields as the compiler may emit them; each call keeps a thousand numbers for a moment. */
const KINDS = {
  "generator function, made at each call": "const v = held(); return (function* () { yield v; })().next();",
  "async function": "const v = held(); return (async () => { await null; return v; })();",
  "private field in a `WeakMap`": "return new WithMap(held());",
  "private field": "return new WithField(held());",
} as const;

/** Returns the figures of young collections by peer, read from Node's `--trace-gc-nvp`. */
export async function measureCollections(options: CollectionsOptions): Promise<Record<string, CollectionFigures>> {
  const { folder, execPath, bundles, requests, progress } = options;
  const script = await bundleFile("collections-load.ts", folder);
  const figures: Record<string, CollectionFigures> = {};
  for (const [peer, bundle] of Object.entries(bundles)) {
    progress(peer);
    figures[peer] = traced(execPath, [script, bundle, String(CONCURRENCY), String(requests)]);
  }
  return figures;
}

/** Returns the same figures for each kind of function or field alone. */
export function measureKinds({ execPath, progress }: Pick<CollectionsOptions, "execPath" | "progress">) {
  return Object.fromEntries(
    Object.entries(KINDS).map(([name, make]) => {
      progress(name);
      return [name, traced(execPath, ["-e", scriptOf(make)])];
    }),
  );
}

function scriptOf(make: string): string {
  return `
    const held = () => new Array(1000).fill(0);
    const fields = new WeakMap();
    class WithMap { constructor(value) { fields.set(this, value); } }
    class WithField { #value; constructor(value) { this.#value = value; } }
    const make = () => { ${make} };
    (async () => {
      for (let index = 0; index < ${OBJECTS}; index += 1) {
        make();
        if (index % 100 === 0) await new Promise(setImmediate);
      }
    })();`;
}

function traced(execPath: string, parameters: readonly string[]): CollectionFigures {
  const output = execFileSync(execPath, ["--disable-warning=ExperimentalWarning", "--trace-gc-nvp", ...parameters], {
    env: { ...process.env, ...APP_ENVIRONMENT },
    encoding: "utf8",
    maxBuffer: 64 * 1_048_576,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 120_000,
  });
  const lines = output.split("\n").filter((line) => line.includes(" gc=s "));
  const late = lines.slice(Math.floor(lines.length / 4));
  const mean = (name: string) =>
    late.map((line) => Number(new RegExp(` ${name}=([\\d.]+)`).exec(line)?.[1] ?? 0)).reduce((a, b) => a + b, 0) /
    late.length;
  // V8 counts promoted objects among the survivors.
  const mebibytes = (name: string) => mean(name) / 2 ** 20;
  return roundedAll({
    pause_ms: mean("pause"),
    survived_mib: mebibytes("new_space_survived"),
    promoted_mib: mebibytes("promoted"),
  });
}
