import { comparisonsOf } from "./comparisons.ts";
import { type Figures, usersText } from "./figures.ts";
import type { RequestInProcess } from "./inprocess.ts";
import { MAJORS } from "./nodes.ts";
import { median } from "./statistics.ts";

interface Table {
  readonly head: readonly string[];
  readonly rows: readonly Row[];
}

/** Cells of a row; undefined for a figure that was not measured. */
type Row = readonly (string | number | undefined)[];

/** Heading, paragraph or table. */
type Block = string | Table;

/** Largest relative difference that counts as equal. */
const NOISE = 0.03;

/**
 * Returns the medians of all runs as Markdown tables that are readable as plain text. A number that differs between the runs by
 * more than 3 % is followed by the least and the most in brackets.
 */
export function describe(runs: readonly Figures[]): string {
  const [first] = runs;
  if (!first) throw new Error("Nothing was measured.");
  const number = runs.length === 1 ? "One run." : `Medians of ${runs.length} runs; in brackets their least and most.`;
  const ofRuns = runs.map(blocksOf);
  return [
    `${first.cpu}, ${first.cores} cores, Node ${first.node}, ${first.date}. ${number}`,
    ...blocksOf(first).map((block, position) =>
      typeof block === "string"
        ? block
        : merged(
            ofRuns.map((blocks) => blocks[position] as Table),
            NOISE,
          ),
    ),
  ].join("\n\n");
}

/** Returns a table of our medians beside the peers', and who is ahead; a difference within 3 % counts as equal. */
export function comparisonTable(runs: readonly Figures[]): string {
  return merged(runs.map(comparisons), Number.POSITIVE_INFINITY);
}

function blocksOf(figures: Figures): Block[] {
  return [
    ...targetsTable(figures),
    "### Where it is ahead, and where it is behind",
    comparisons(figures),
    ...cacheTables(figures),
    ...inProcessTable(figures),
    ...requestTable(figures),
    ...openLoopTables(figures),
    ...collectionTables(figures),
    ...identityWebTables(figures),
    ...coldStartTable(figures),
    ...loadTables(figures),
  ];
}

function block(head: readonly string[], rows: readonly Row[]): Table {
  return { head, rows };
}

/** Merges the same table of each run into one. Words that differ between the runs stand side by side. */
function merged(tables: readonly Table[], noise: number): string {
  const { head, rows } = tables[0] as Table;
  const cells = rows.map((row, line) =>
    row.map((_, column) => {
      const values = tables.map((each) => each.rows[line]?.[column] ?? "");
      return values.every((value) => typeof value === "number")
        ? withRange(values, noise)
        : [...new Set(values)].join(" / ");
    }),
  );
  return table(head, cells);
}

function withRange(values: readonly number[], noise: number): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)];
  const isSame = most - least <= noise * Math.abs(middle) || plain(least) === plain(most);
  return isSame ? plain(middle) : `${plain(middle)} (${plain(least)} to ${plain(most)})`;
}

function targetsTable({ targets }: Figures): Block[] {
  const rows = targets.map(({ name, value, at_most: atMost, holds }) => [
    ...[name, value, `≤ ${plain(atMost)}`, holds ? "yes" : "**no**"],
  ]);
  return ["### Targets", block(["", "measured", "target", "holds"], rows)];
}

function comparisons(figures: Figures): Table {
  const rows = comparisonsOf(figures).map(({ what, ours, peer, theirs }) => {
    const ratio = ours / theirs;
    const verdict = ratio < 1 - NOISE ? "ahead" : ratio > 1 + NOISE ? "**behind**" : "equal";
    return [what, ours, theirs, ratio, peer, verdict];
  });
  return block(["", "ours", "theirs", "ours over theirs", "whose", "we are"], rows);
}

function cacheTables(figures: Figures): Block[] {
  const { hit_us: hit, exchange_us: exchange, bound, stall_ms: stall } = figures;
  return [
    "### Cached exchange, µs",
    block(["users cached", "ours", "MSAL", "hash and Map alone"], byUsers(hit.ours, hit.msal, hit.map)),
    "### Exchange that is not cached, µs, the fake token endpoint included",
    block(["users cached meanwhile", "ours", "MSAL"], byUsers(exchange.ours, exchange.msal)),
    "### Cache",
    block(
      ["", "ours", "MSAL"],
      [
        ["POSTs for 100 equal cold calls at once", figures.cold_burst_posts.ours, figures.cold_burst_posts.msal],
        ["heap bytes per cached user", figures.bytes_per_user.ours, figures.bytes_per_user.msal],
        [`users kept of ${plain(bound.offered)} offered, default bound`, bound.entries, "all"],
        ["MiB kept, by the cache's account", bound.bytes / 2 ** 20, "no bound"],
        ["MiB kept, of heap", bound.heap_bytes / 2 ** 20, ""],
        ["their bound, MiB", bound.bound_bytes / 2 ** 20, ""],
        ["longest `get`, ms, 100,000 users cached", stall.get, ""],
        ["longest `set` with eviction, ms, 100,000 users cached", stall.set, ""],
        ["the same less the garbage collections in it, ms", stall.set_without_collections, ""],
        ["the same loop without the cache, ms", stall.floor, ""],
        ["longest garbage collection meanwhile, ms", stall.garbage_collection, ""],
      ],
    ),
  ];
}

function inProcessTable({ request_inprocess: byNode, flat_us: flat }: Figures): Block[] {
  const row = (major: string, measured: RequestInProcess) => [
    ...[major, measured.ours_us, measured.floor_us, measured.ours_us - measured.floor_us],
    ...[measured.spread * 100, measured.ours_kib, measured.floor_kib],
    measured.ours_kib - measured.floor_kib,
  ];
  const absent = MAJORS.map(String).filter((major) => !(major in byNode));
  const sourceRow = (major: string, measured: RequestInProcess) => [
    ...[major, measured.floor_from_source_us, measured.ours_us - measured.floor_from_source_us],
    ...[measured.floor_from_source_kib, measured.ours_kib - measured.floor_from_source_kib],
  ];
  return [
    "### Request in one process, without sockets",
    block(
      ["Node", "`ours`, µs", "`floor`, µs", "over, µs", "spread, %", "`ours`, KiB", "`floor`, KiB", "over, KiB"],
      [
        ...Object.entries(byNode).map(([major, measured]) => row(major, measured)),
        ...absent.map((major) => [major, "not installed here", "", "", "", "", "", ""]),
      ],
    ),
    "The same beside a floor whose library is built from its source, as this app builds it:",
    block(
      ["Node", "`floor_from_source`, µs", "over, µs", "KiB", "over, KiB"],
      Object.entries(byNode).map(([major, measured]) => sourceRow(major, measured)),
    ),
    `### Request by cached users, of whom 1,000 ask, µs, Node ${Object.keys(byNode).at(-1)}`,
    block(["users cached", "`ours`", "`floor`"], byUsers(flat.ours, flat.floor)),
  ];
}

function collectionTables({ collections, collections_by_kind: kinds }: Figures): Block[] {
  const rows = (figures: Figures["collections"], name: (key: string) => string) =>
    Object.entries(figures).map(([key, { pause_ms: pause, survived_mib: survived, promoted_mib: promoted }]) => [
      ...[name(key), pause, survived, promoted],
    ]);
  const head = ["pause, ms", "found alive, MiB", "of it moved to the old generation, MiB"];
  return [
    "### A collection of young objects while requests are served in one process, 32 at a time",
    block(
      ["", ...head],
      rows(collections, (peer) => `\`${peer}\``),
    ),
    "### The same with nothing but 100,000 calls that hold 8 KB each",
    block(
      ["", ...head],
      rows(kinds, (kind) => kind),
    ),
  ];
}

function openLoopTables({ open_loop: { node, capacity, at } }: Figures): Block[] {
  const rows = Object.entries(at).flatMap(([share, peers]) =>
    Object.entries(peers).map(([peer, { per_second: rate, p50_ms, p99_ms, p999_ms, loop_delay_p99_ms: delay }]) => [
      ...[`${share} %`, `\`${peer}\``, rate, p50_ms, p99_ms, p999_ms, delay],
    ]),
  );
  return [
    `### Latency at a constant rate, ms, Node ${node}`,
    block(["of capacity", "", "requests a second", "p50", "p99", "p99.9", "event loop's delay, p99"], rows),
    "Capacity, requests a second that 32 connections get answered:",
    block(
      Object.keys(capacity).map((peer) => `\`${peer}\``),
      [Object.values(capacity)],
    ),
  ];
}

function identityWebTables({ identity_web: figures }: Figures): Block[] {
  const title = "### Microsoft.Identity.Web";
  if ("absent" in figures) return [title, `Not measured: ${figures.absent}`];
  const { dotnet, node, request_cpu_us: cpu, memory_mib: memory, cold_burst_posts: posts, start_ms: start } = figures;
  const peers = ["ours", "node_floor", "tuned", "untuned", "dotnet_floor"] as const;
  const most = Object.keys(cpu).at(-1) ?? "";
  const values = (figure: Readonly<Partial<Record<string, number>>>) => peers.map((peer) => figure[peer]);
  return [
    `${title}, .NET SDK ${dotnet}, beside Node ${node}`,
    block(
      ["", "`ours`", "its floor", "tuned", "untuned", "their floor"],
      [
        ...Object.entries(cpu).map(([users, each]) => [`processor time, µs, ${usersText(users)}`, ...values(each)]),
        [`memory with ${plain(Number(most))} users, MiB`, ...values(memory)],
        ["POSTs for 100 equal cold requests at once", ...values(posts)],
        ["start to listening, ms", ...values(start)],
      ],
    ),
  ];
}

function coldStartTable({ cold_start_ms: byNode }: Figures): Block[] {
  return [
    "### Cold start, ms",
    block(
      ["Node", "empty process", "with the bundle", "over empty", "with a compile cache that fits"],
      Object.entries(byNode).map(([major, { empty, bundle, with_compile_cache: cached }]) => [
        ...[major, empty, bundle, bundle - empty, cached],
      ]),
    ),
  ];
}

function requestTable({ request_cpu_us: cpu, transport_cpu_us: transport, ours_over_floor: ratio }: Figures): Block[] {
  const rows: Row[] = Object.entries(cpu).map(([name, value]) => [`\`${name}\``, value, value / cpu.floor]);
  rows.push(["`bare` with Node's `fetch`", transport.fetch, transport.fetch / cpu.floor]);
  rows.push(["`ours`, median of the rounds' own ratios", undefined, ratio]);
  return ["### Request, processor time", block(["", "µs", "over `floor`"], rows)];
}

function loadTables({
  load_ms: load,
  load_min_ms: least,
  dependency_load_ms: dependencies,
  bundle_bytes,
}: Figures): Block[] {
  const overEmpty = (name: "bundle" | "unbundled") => load[name] - load.empty;
  return [
    "### Load, ms",
    block(
      ["whole process", "median", "least", "median over empty"],
      [
        ["`empty`", load.empty, least.empty, ""],
        [`\`bundle\` (${plain(Math.round(bundle_bytes / 1024))} KiB)`, load.bundle, least.bundle, overEmpty("bundle")],
        ["`unbundled`", load.unbundled, least.unbundled, overEmpty("unbundled")],
      ],
    ),
    "### Load of each dependency, ms over an empty process",
    block(
      ["", "median", "least over least"],
      Object.entries(dependencies).map(([name, times]) => [name, times.median, times.min]),
    ),
  ];
}

function byUsers(...columns: readonly Readonly<Record<string, number>>[]): Row[] {
  const sizes = new Set(columns.flatMap((column) => Object.keys(column).map(Number)));
  return [...sizes].sort((a, b) => a - b).map((users) => [users, ...columns.map((column) => column[users])]);
}

/** Formats a number with three significant digits and separated thousands. */
export function plain(value: number): string {
  const digits = Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 3) });
}

/** Formats a Markdown table: first column left-aligned, others right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (column === 0 ? cells[column]?.padEnd(width) : cells[column]?.padStart(width)) ?? "").join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
