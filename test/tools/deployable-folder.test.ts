import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import { ENVIRONMENT } from "../support/exchange.ts";
import { loadFunctions } from "../support/load-functions.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The repository's oldest Node, and those that Azure runs. */
const MAJORS = [20, 22, 24];

/** Routes of this repository; an endpoint that was added may call a service that is missing here. */
const OF_THIS_APP = {
  ...{ "HEAD api/health": 200, "HEAD api/errors": 200, "HEAD api/openapi.json": 200 },
  ...{ "HEAD api/profile": 200, "HEAD api/get-profile": 200, "HEAD api/photo": 200 },
  ...{ "HEAD api/files": 200, "HEAD api/files/report.txt": 302 },
};

/** Returns the executable of a Node: this one, or one that `.ci/run` installed. */
function nodeOf(major: number): string | undefined {
  if (process.version.startsWith(`v${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const path = join(ROOT, `.local/node-${major}/node_modules/${name}/bin/node`);
  return existsSync(path) ? path : undefined;
}

/** Copies the folder's contents to an isolated place: no node_modules beside or above it. */
async function deployed(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "wwwroot-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await cp(join(ROOT, "dist/api"), folder, { recursive: true });
  return folder;
}

describe("the deployable folder, alone, answers on every route, to HEAD as to GET,", () => {
  for (const major of MAJORS) {
    const node = nodeOf(major);
    const name = node ? `on Node ${major}` : `on Node ${major}, which is not installed here (.ci/run installs it)`;
    test.skipIf(node === undefined)(name, async () => {
      const args = [
        "test/tools/serve-folder.mjs",
        await deployed(),
        JSON.stringify(ENVIRONMENT),
        inject("stateFolder"),
      ];
      const { stdout } = await promisify(execFile)(node ?? "", args, { cwd: ROOT });
      const answered = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Answered;
      expect(answered.node).toMatch(new RegExp(`^v${major}\\.`));
      expect(answered.functions.toSorted()).toEqual([...(await loadFunctions(ROOT)).keys()].sort());
      expect(answered.statuses).toMatchObject(OF_THIS_APP);
      for (const [request, status] of Object.entries(answered.statuses)) {
        // 500 would mean that a module is missing in the folder.
        expect(status, request).not.toBe(500);
        // Front Door probes with HEAD: https://learn.microsoft.com/azure/frontdoor/health-probes
        const head = answered.statuses[request.replace("GET", "HEAD")];
        if (head !== undefined) expect(head, request).toBe(status);
      }
    });
  }
});

interface Answered {
  readonly node: string;
  readonly functions: readonly string[];
  readonly statuses: Readonly<Record<string, number>>;
}
