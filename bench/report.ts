import { comparisonsOf } from "./comparisons.ts";
import { type Figures, usersText } from "./figures.ts";
import type { RequestInProcess } from "./inprocess.ts";
import { MAJORS } from "./nodes.ts";

/** Returns all figures as Markdown tables that are readable as plain text. */
export function describe(figures: Figures): string {
  return [
    `${figures.cpu}, ${figures.cores} cores, Node ${figures.node}, ${figures.date}. Medians.`,
    ...targetsTable(figures),
    "### Where it is ahead, and where it is behind",
    comparisonTable(figures),
    ...cacheTables(figures),
    ...inProcessTable(figures),
    ...requestTable(figures),
    ...openLoopTables(figures),
    ...collectionTables(figures),
    ...identityWebTables(figures),
    ...coldStartTable(figures),
    ...loadTables(figures),
  ].join("\n\n");
}

function targetsTable({ targets }: Figures): string[] {
  const rows = targets.map(({ name, value, at_most: atMost, holds }) => [
    name,
    plain(value),
    `≤ ${plain(atMost)}`,
    holds ? "yes" : "**no**",
  ]);
  return ["### Targets", table(["", "measured", "target", "holds"], rows)];
}

/** Returns a table of our figures beside the peers', and who is ahead; a difference within 3 % counts as equal. */
export function comparisonTable(figures: Figures): string {
  const rows = comparisonsOf(figures).map(({ what, ours, peer, theirs }) => [
    ...[
      what,
      plain(ours),
      plain(theirs),
      peer,
      ours < theirs * 0.97 ? "ahead" : ours > theirs * 1.03 ? "**behind**" : "equal",
    ],
  ]);
  return table(["", "ours", "theirs", "whose", "we are"], rows);
}

function cacheTables(figures: Figures): string[] {
  const { hit_us: hit, exchange_us: exchange, bound, stall_ms: stall } = figures;
  return [
    "### Cached exchange, µs",
    table(["users cached", "ours", "MSAL", "hash and Map alone"], byUsers(hit.ours, hit.msal, hit.map)),
    "### Exchange that is not cached, µs, the fake token endpoint included",
    table(["users cached meanwhile", "ours", "MSAL"], byUsers(exchange.ours, exchange.msal)),
    "### Cache",
    table(
      ["", "ours", "MSAL"],
      [
        [
          "POSTs for 100 equal cold calls at once",
          plain(figures.cold_burst_posts.ours),
          plain(figures.cold_burst_posts.msal),
        ],
        ["heap bytes per cached user", plain(figures.bytes_per_user.ours), plain(figures.bytes_per_user.msal)],
        [`users kept of ${plain(bound.offered)} offered, default bound`, plain(bound.entries), "all"],
        ["MiB kept: by the cache's account / of heap / bound", mebibytes(bound), "no bound"],
        ["longest `get`, ms, 100,000 users cached", plain(stall.get), ""],
        ["longest `set` with eviction, ms, 100,000 users cached", plain(stall.set), ""],
        ["the same less the garbage collections in it, ms", plain(stall.set_without_collections), ""],
        ["the same loop without the cache, ms", plain(stall.floor), ""],
        ["longest garbage collection meanwhile, ms", plain(stall.garbage_collection), ""],
      ],
    ),
  ];
}

function inProcessTable({ request_inprocess: byNode, flat_us: flat }: Figures): string[] {
  const row = (major: string, measured: RequestInProcess) => [
    ...[major, plain(measured.ours_us), plain(measured.floor_us), plain(measured.ours_us - measured.floor_us)],
    ...[`${plain(measured.spread * 100)} %`, plain(measured.ours_kib), plain(measured.floor_kib)],
    plain(measured.ours_kib - measured.floor_kib),
  ];
  const absent = MAJORS.map(String).filter((major) => !(major in byNode));
  const sourceRow = (major: string, measured: RequestInProcess) => [
    ...[major, plain(measured.floor_from_source_us), plain(measured.ours_us - measured.floor_from_source_us)],
    ...[plain(measured.floor_from_source_kib), plain(measured.ours_kib - measured.floor_from_source_kib)],
  ];
  return [
    "### Request in one process, without sockets",
    table(
      ["Node", "`ours`, µs", "`floor`, µs", "over, µs", "spread", "`ours`, KiB", "`floor`, KiB", "over, KiB"],
      [
        ...Object.entries(byNode).map(([major, measured]) => row(major, measured)),
        ...absent.map((major) => [major, "not installed here", "", "", "", "", "", ""]),
      ],
    ),
    "The same beside a floor whose library is built from its source, as this app builds it:",
    table(
      ["Node", "`floor_from_source`, µs", "over, µs", "KiB", "over, KiB"],
      Object.entries(byNode).map(([major, measured]) => sourceRow(major, measured)),
    ),
    `### Request by cached users, of whom 1,000 ask, µs, Node ${Object.keys(byNode).at(-1)}`,
    table(["users cached", "`ours`", "`floor`"], byUsers(flat.ours, flat.floor)),
  ];
}

function collectionTables({ collections, collections_by_kind: kinds }: Figures): string[] {
  const rows = (figures: Figures["collections"], name: (key: string) => string) =>
    Object.entries(figures).map(([key, { pause_ms: pause, survived_mib: survived, promoted_mib: promoted }]) => [
      ...[name(key), plain(pause), plain(survived), plain(promoted)],
    ]);
  const head = ["pause, ms", "found alive, MiB", "of it moved to the old generation, MiB"];
  return [
    "### A collection of young objects while requests are served in one process, 32 at a time",
    table(
      ["", ...head],
      rows(collections, (peer) => `\`${peer}\``),
    ),
    "### The same with nothing but 100,000 calls that hold 8 KB each",
    table(
      ["", ...head],
      rows(kinds, (kind) => kind),
    ),
  ];
}

function openLoopTables({ open_loop: { node, capacity, at } }: Figures): string[] {
  const rows = Object.entries(at).flatMap(([share, peers]) =>
    Object.entries(peers).map(([peer, { per_second: rate, p50_ms, p99_ms, p999_ms, loop_delay_p99_ms: delay }]) => [
      ...[`${share} %`, `\`${peer}\``, plain(rate), plain(p50_ms), plain(p99_ms), plain(p999_ms), plain(delay)],
    ]),
  );
  const capacities = Object.entries(capacity).map(([peer, rate]) => `\`${peer}\` ${plain(rate)}`);
  return [
    `### Latency at a constant rate, ms, Node ${node}`,
    table(["of capacity", "", "requests a second", "p50", "p99", "p99.9", "event loop's delay, p99"], rows),
    `Capacity, requests a second that 32 connections get answered: ${capacities.join(", ")}.`,
  ];
}

function identityWebTables({ identity_web: figures }: Figures): string[] {
  const title = "### Microsoft.Identity.Web";
  if ("absent" in figures) return [title, `Not measured: ${figures.absent}`];
  const { dotnet, node, request_cpu_us: cpu, memory_mib: memory, cold_burst_posts: posts, start_ms: start } = figures;
  const peers = ["ours", "node_floor", "tuned", "untuned", "dotnet_floor"] as const;
  const most = Object.keys(cpu).at(-1) ?? "";
  const values = (figure: Readonly<Partial<Record<string, number>>>) => peers.map((peer) => cell(figure[peer]));
  return [
    `${title}, .NET SDK ${dotnet}, beside Node ${node}`,
    table(
      ["", "`ours`", "its floor", "tuned", "untuned", "their floor"],
      [
        ...Object.entries(cpu).map(([users, each]) => [`processor time, µs, ${usersText(users)}`, ...values(each)]),
        [`memory with ${usersText(most)}, MiB`, ...values(memory)],
        ["POSTs for 100 equal cold requests at once", ...values(posts)],
        ["start to listening, ms", ...values(start)],
      ],
    ),
  ];
}

function coldStartTable({ cold_start_ms: byNode }: Figures): string[] {
  return [
    "### Cold start, ms",
    table(
      ["Node", "empty process", "with the bundle", "over empty", "with a compile cache that fits"],
      Object.entries(byNode).map(([major, { empty, bundle, with_compile_cache: cached }]) => [
        ...[major, plain(empty), plain(bundle), plain(bundle - empty), cell(cached)],
      ]),
    ),
  ];
}

function requestTable({ request_cpu_us: cpu, transport_cpu_us: transport, ours_over_floor: ratio }: Figures): string[] {
  const rows = Object.entries(cpu).map(([name, value]) => [`\`${name}\``, plain(value), plain(value / cpu.floor)]);
  rows.push(["`bare` with Node's `fetch`", plain(transport.fetch), plain(transport.fetch / cpu.floor)]);
  return [
    "### Request, processor time",
    table(["", "µs", "over `floor`"], rows),
    `\`ours\` over \`floor\`, median of the rounds' own ratios: ${plain(ratio)}.`,
  ];
}

function loadTables({
  load_ms: load,
  load_min_ms: least,
  dependency_load_ms: dependencies,
  bundle_bytes,
}: Figures): string[] {
  const overEmpty = (name: "bundle" | "unbundled") => plain(load[name] - load.empty);
  return [
    "### Load, ms",
    table(
      ["whole process", "median", "least", "median over empty"],
      [
        ["`empty`", plain(load.empty), plain(least.empty), ""],
        [
          `\`bundle\` (${plain(Math.round(bundle_bytes / 1024))} KiB)`,
          plain(load.bundle),
          plain(least.bundle),
          overEmpty("bundle"),
        ],
        ["`unbundled`", plain(load.unbundled), plain(least.unbundled), overEmpty("unbundled")],
      ],
    ),
    "### Load of each dependency, ms over an empty process",
    table(
      ["", "median", "least over least"],
      Object.entries(dependencies).map(([name, times]) => [name, plain(times.median), plain(times.min)]),
    ),
  ];
}

function byUsers(...columns: readonly Readonly<Record<string, number>>[]): string[][] {
  const sizes = new Set(columns.flatMap((column) => Object.keys(column).map(Number)));
  return [...sizes]
    .sort((a, b) => a - b)
    .map((users) => [plain(users), ...columns.map((column) => cell(column[users]))]);
}

function mebibytes({ bytes, heap_bytes: heap, bound_bytes: bound }: Figures["bound"]): string {
  return [bytes, heap, bound].map((value) => plain(value / 2 ** 20)).join(" / ");
}

function cell(value: number | undefined): string {
  return value === undefined ? "" : plain(value);
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
