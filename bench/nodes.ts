import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./processes.ts";

/** Major versions to measure: the oldest that this repository supports, and those that Azure runs. */
export const MAJORS: readonly number[] = [20, 22, 24];

/** Returns the executable of a Node: this one, or the npm package `node-<platform>-<arch>` in `.local/node-<major>`. */
export function nodeOf(major: number): string | undefined {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(ROOT, `.local/node-${major}/node_modules/${name}/bin/node`);
  return existsSync(path) ? path : undefined;
}

/** Returns the newest Node that is installed: its major version and its executable. */
export function newestNode(): { readonly major: number; readonly path: string } {
  const own = { major: Number(process.versions.node.split(".")[0]), path: process.execPath };
  const found = MAJORS.flatMap((major) => {
    const path = nodeOf(major);
    return path === undefined ? [] : [{ major, path }];
  });
  return found.at(-1) ?? own;
}
