import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Figures } from "./figures.ts";
import { plotHits } from "./plot.ts";
import { ROOT } from "./processes.ts";
import { describe } from "./report.ts";

const DOCUMENT = join(ROOT, "docs/performance.md");
const PLOT = join(ROOT, "docs/performance.svg");
const BEGIN = "<!-- written by npm run bench -- --write: begin -->";
const END = "<!-- written by npm run bench -- --write: end -->";

/** Writes the plot, and the tables between the two marks in docs/performance.md. */
export async function writeDocuments(figures: Figures): Promise<void> {
  const document = await readFile(DOCUMENT, "utf8");
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${DOCUMENT} lacks the marks between which the tables go.`);
  const written = `${document.slice(0, begin + BEGIN.length)}\n\n${describe(figures)}\n\n${document.slice(end)}`;
  await Promise.all([writeFile(DOCUMENT, written), writeFile(PLOT, plotHits(figures.hit_us))]);
}
