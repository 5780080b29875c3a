import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { ENVIRONMENT } from "../support/exchange.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** This Node, and those that Azure runs. */
const MAJORS = [20, 22, 24];

/** Returns the executable of a Node: this one's, or where `.ci/run` installs the others. */
function nodeOf(major: number): string | undefined {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(ROOT, `.local/node-${major}/node_modules/${name}/bin/node`);
  return existsSync(path) ? path : undefined;
}

/** Copies the folder's contents to where nothing else is: no node_modules beside it or above it. */
async function deployed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wwwroot-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(join(ROOT, "dist/api"), folder, { recursive: true });
  return folder;
}

describe("the deployable folder, alone, answers on every route, by GET and by HEAD alike,", () => {
  for (const major of MAJORS) {
    const node = nodeOf(major);
    const name = node ? `on Node ${major}` : `on Node ${major}, which is not installed here (.ci/run installs it)`;
    test.skipIf(node === undefined)(name, async () => {
      const args = ["test/tools/serve-folder.mjs", await deployed(), JSON.stringify(ENVIRONMENT)];
      const { stdout } = await promisify(execFile)(node ?? "", args, { cwd: ROOT });
      const answered = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Answered;
      expect(answered.node).toMatch(new RegExp(`^v${major}\\.`));
      expect(answered.functions.toSorted()).toEqual(await functionNames());
      for (const [request, status] of Object.entries(answered.statuses)) {
        expect(status, request).toBeLessThan(400);
        // Front Door probes with HEAD: https://learn.microsoft.com/azure/frontdoor/health-probes
        expect(answered.statuses[request.replace("GET", "HEAD")], request).toBe(status);
      }
    });
  }
});

interface Answered {
  readonly node: string;
  readonly functions: readonly string[];
  readonly statuses: Readonly<Record<string, number>>;
}

/** A function is named as its file. */
async function functionNames(): Promise<readonly string[]> {
  const files = await readdir(join(ROOT, "src/functions"));
  return files
    .filter((name) => /^[^.]+\.ts$/.test(name))
    .map((name) => name.replace(/\.ts$/, ""))
    .sort();
}
