import { plain, table } from "./report.ts";
import { type FrozenStore, type MeasuredScale, REQUESTS_OF_A_USER } from "./scale.ts";
import { CALLS, type SimulatedScale, VIEWS } from "./scale-simulation.ts";
import type { SharedHitFigures } from "./shared-hit.ts";
import { rounded } from "./statistics.ts";

export interface ScaleFigures {
  /** Number of users in each measured row. */
  readonly users: number;
  readonly simulated: readonly SimulatedScale[];
  readonly measured: readonly MeasuredScale[];
  readonly hits: SharedHitFigures;
  readonly frozen: FrozenStore | undefined;
}

/** Returns the tables and the plot for docs/scale.md, in Markdown. */
export function describeScale({ users, simulated, measured, hits, frozen }: ScaleFigures, machine: string): string {
  return [
    `${machine}.`,
    `### Simulated: exchanges per user and hour, ${VIEWS} page views of ${CALLS} calls, each to an instance at random`,
    table(
      ["instances", "formula", "alone", "with a shared cache"],
      simulated.map(({ instances, formula, alone, shared }) => [
        plain(instances),
        ...[formula, alone, shared].map((value) => plain(rounded(value))),
      ]),
    ),
    plotOf(simulated),
    `### Measured: processes of the built app, ${plain(users)} users with ${REQUESTS_OF_A_USER} requests each`,
    table(
      ["store", "processes", "exchanges per user", "first request, ms, p50", "p99"],
      measured.map(({ store, instances, exchanges, first }) => [
        store,
        plain(instances),
        ...[exchanges, first.p50, first.p99].map((value) => plain(rounded(value))),
      ]),
    ),
    "### Measured: an exchange that is cached in memory, µs, 1,000 users",
    table(["without a shared cache", "with one"], [[hits.without, hits.with].map((value) => plain(rounded(value)))]),
    ...(frozen ? frozenTable(frozen) : []),
  ].join("\n\n");
}

function frozenTable(frozen: FrozenStore): string[] {
  const rows = [
    ["Redis answers", frozen.answers],
    ["it does not, breaker closed", frozen.closed],
    ["it does not, breaker open", frozen.open],
  ] as const;
  return [
    "### Measured: a user's first request when Redis stops to answer, ms",
    table(
      ["", "p50", "p99"],
      rows.map(([what, { p50, p99 }]) => [what, plain(rounded(p50)), plain(rounded(p99))]),
    ),
  ];
}

function plotOf(simulated: readonly SimulatedScale[]): string {
  const line = (values: readonly number[]) => `  line [${values.map((value) => rounded(value)).join(", ")}]`;
  return [
    "```mermaid",
    "xychart-beta",
    '  title "Exchanges per user and hour: alone (above), with a shared cache (below)"',
    `  x-axis "instances" [${simulated.map(({ instances }) => instances).join(", ")}]`,
    '  y-axis "exchanges" 0 --> 40',
    line(simulated.map(({ alone }) => alone)),
    line(simulated.map(({ shared }) => shared)),
    "```",
  ].join("\n");
}
