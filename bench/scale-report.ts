import { plain, table } from "./report.ts";
import type { FrozenStore, MeasuredScale } from "./scale.ts";
import { CALLS, type SimulatedScale, VIEWS } from "./scale-simulation.ts";
import { rounded } from "./statistics.ts";

export interface ScaleFigures {
  readonly simulated: readonly SimulatedScale[];
  readonly measured: readonly MeasuredScale[];
  readonly frozen: FrozenStore | undefined;
}

/** Tables and plot for docs/scale.md, in Markdown. */
export function describeScale({ simulated, measured, frozen }: ScaleFigures, machine: string): string {
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
    "### Measured: processes of the built app, 300 users with 20 requests each",
    table(
      ["store", "processes", "exchanges per user", "first request, ms, p50", "p99"],
      measured.map(({ store, instances, exchanges, first }) => [
        store,
        plain(instances),
        ...[exchanges, first.p50, first.p99].map((value) => plain(rounded(value))),
      ]),
    ),
    ...(frozen ? frozenTable(frozen) : []),
  ].join("\n\n");
}

function frozenTable(frozen: FrozenStore): string[] {
  const { without, closed, open } = frozen;
  return [
    "### Measured: a user's first request when Redis stops to answer, ms, median",
    table(
      ["Redis answers", "it does not, breaker closed", "it does not, breaker open"],
      [[without, closed, open].map((value) => plain(rounded(value)))],
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
