import type { Figures } from "./figures.ts";
import type { RequestInProcess } from "./inprocess.ts";

/** All figures as tables, in Markdown that is readable as it stands. */
export function describe(figures: Figures): string {
  return [
    `${figures.cpu}, ${figures.cores} cores, Node ${figures.node}, ${figures.date}. Medians.`,
    ...targetsTable(figures),
    ...cacheTables(figures),
    ...inProcessTable(figures),
    ...requestTable(figures),
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

function inProcessTable({ request_inprocess: byNode }: Figures): string[] {
  const row = (major: string, { ours_us, floor_us, ours_kib, floor_kib, spread }: RequestInProcess) => [
    ...[major, plain(ours_us), plain(floor_us), plain(ours_us - floor_us), `${plain(spread * 100)} %`],
    ...[plain(ours_kib), plain(floor_kib), plain(ours_kib - floor_kib)],
  ];
  const absent = [20, 22, 24].map(String).filter((major) => !(major in byNode));
  const rise = Object.entries(byNode).find(([, { rise_us: us }]) => us !== undefined);
  return [
    "### Request in one process, without sockets",
    table(
      ["Node", "`ours`, µs", "`floor`, µs", "over, µs", "spread", "`ours`, KiB", "`floor`, KiB", "over, KiB"],
      [
        ...Object.entries(byNode).map(([major, measured]) => row(major, measured)),
        ...absent.map((major) => [major, "not installed here", "", "", "", "", "", ""]),
      ],
    ),
    ...(rise
      ? [
          `From 1,000 to 10,000 cached users, 1,000 of them asking, the difference to the floor changes by ${plain(rise[1].rise_us ?? 0)} µs (Node ${rise[0]}).`,
        ]
      : []),
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

/** As many digits as say something; thousands apart. */
export function plain(value: number): string {
  const digits = Number.isInteger(value) ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-US", { maximumFractionDigits: Math.min(digits, 3) });
}

/** The first column to the left, the others to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(3, name.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    `| ${widths.map((width, column) => (column === 0 ? cells[column]?.padEnd(width) : cells[column]?.padStart(width)) ?? "").join(" | ")} |`;
  const rule = widths.map((width, column) => (column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  return [line(head), line(rule), ...rows.map(line)].join("\n");
}
