import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Figures } from "./figures.ts";
import { plotHits } from "./plot.ts";
import { ROOT } from "./processes.ts";
import { comparisonTable, describe } from "./report.ts";
import { mediansOf } from "./statistics.ts";

const COMMAND = "npm run bench -- --runs 2 --write";
const PLOT = join(ROOT, "docs/performance.svg");

/** Writes the plot, and the tables between the marks in docs/performance.md and README.md. */
export async function writeDocuments(runs: readonly Figures[]): Promise<void> {
  await writeBetweenMarks("docs/performance.md", COMMAND, describe(runs));
  await writeBetweenMarks("README.md", COMMAND, comparisonTable(runs));
  const hits = (peer: "ours" | "msal") => mediansOf(runs.map(({ hit_us }) => hit_us[peer]));
  await writeFile(PLOT, plotHits({ ours: hits("ours"), msal: hits("msal") }));
}

/** Replaces the text between a document's two marks, which name the command that writes it. */
export async function writeBetweenMarks(document: string, command: string, text: string): Promise<void> {
  const path = join(ROOT, document);
  const current = await readFile(path, "utf8");
  const marks = { begin: `<!-- written by ${command}: begin -->`, end: `<!-- written by ${command}: end -->` };
  const [begin, end] = [current.indexOf(marks.begin), current.indexOf(marks.end)];
  if (begin < 0 || end < begin) throw new Error(`${document} lacks the marks between which the tables go.`);
  await writeFile(path, `${current.slice(0, begin + marks.begin.length)}\n\n${text}\n\n${current.slice(end)}`);
}
