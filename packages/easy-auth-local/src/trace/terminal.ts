import { type Hop, hasFailed, type Trace } from "./hop.ts";
import { durationOf, failureOf, firstFailure, outcomeOf, shortPathOf, summaryOf } from "./summary.ts";

const MAX_LINE = 400;

/**
 * Writes a heading and a line for each hop, indented below the hop that caused it. Shows a token where it first appears,
 * a failure's text where it began.
 */
export function traceLines(trace: Trace, hops: readonly Hop[], now: number): string {
  const { id, account } = trace;
  const origin = firstFailure(trace);
  const told = new Set<string>();
  const lines = hops.map((hop) => {
    const tokens = hop.tokens.map((token) => summaryOf(token, now)).filter((summary) => !told.has(summary));
    for (const summary of tokens) told.add(summary);
    return lineOf(hop, failureOf(hop, origin), tokens);
  });
  return [`Trace ${id}${account === undefined ? "" : ` (${account})`}`, ...lines].map(clean).join("\n");
}

function lineOf(hop: Hop, failure: string, tokens: readonly string[]): string {
  const { station, sender, depth, method, notes } = hop;
  // A note of another station that the function inside cannot be seen.
  const unseen = station === "function" ? undefined : notes.find(([name]) => name === "Function")?.[1];
  const parts = [
    `${depth === 0 ? `${sender} → ` : "→ "}${station}`,
    `${method} ${shortPathOf(hop)}`,
    [outcomeOf(hop), durationOf(hop)].filter(Boolean).join(" "),
    hasFailed(hop) && `✗ ${failure}`.trim(),
    ...tokens.map((summary) => `[token ${summary}]`),
    unseen !== undefined && `[function ${unseen}]`,
  ];
  return "  ".repeat(depth + 1) + parts.filter(Boolean).join("  ");
}

/** Replaces control characters, so that text from a client cannot control the terminal; cuts long lines. */
function clean(line: string): string {
  const text = line.replaceAll(/\p{Cc}/gu, "\u{fffd}");
  return text.length > MAX_LINE ? `${text.slice(0, MAX_LINE)}…` : text;
}
