import { execFile } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { BICEP, BICEP_CONFIG } = process.env;

/** The script, bundled once, since many tests start it. */
let script: string;
beforeAll(async () => {
  script = join(await mkdtemp(join(tmpdir(), "check-infra-")), "check-infra.mjs");
  const entryPoints = [`${ROOT}scripts/check-infra.ts`];
  await build({ entryPoints, bundle: true, platform: "node", format: "esm", outfile: script });
});
afterAll(() => rm(dirname(script), { recursive: true }));

/** A folder with `infra/` and one of its snapshots in it, where `check:infra` can be run. */
async function copyOfInfra(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "check-infra-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const isWanted = (path: string) => !/snapshots.+/.test(path) || path.includes("registrations-made.");
  await cp(`${ROOT}infra`, join(folder, "infra"), { recursive: true, filter: isWanted });
  await symlink(`${ROOT}node_modules`, join(folder, "node_modules"));
  return folder;
}

/** Runs `check:infra` in a folder; nothing is on the PATH. */
async function checkInfra(folder: string, env: Record<string, string>): Promise<{ code: number; output: string }> {
  const all = { PATH: "", HOME: folder, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { cwd: folder, env: all }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/**
 * Stands for the compiler: evaluates to the committed snapshot, and reports one finding for each command, or none. Like
 * the real one, it needs its extensions restored by one process at a time.
 */
async function fakeCompiler(
  folder: string,
  { isSilent, isOwnComparisonLoud = false }: { isSilent: boolean; isOwnComparisonLoud?: boolean },
): Promise<string> {
  const path = join(folder, "bicep");
  const source = `#!${process.execPath}
const { closeSync, copyFileSync, existsSync, openSync, rmSync, writeFileSync } = require("node:fs");
const { basename, join } = require("node:path");
const [command, file = ""] = process.argv.slice(2);
const text = "a word on " + command;
const results = ${isSilent} ? [] : [{ ruleId: "RULE", message: { text }, locations: [] }];
if (command === "--version") console.log("Bicep CLI version 0.49.2");
if (command === "restore") {
  closeSync(openSync("restore.lock", "wx"));
  setTimeout(() => {
    writeFileSync("restored-" + basename(file), "");
    rmSync("restore.lock");
  }, 20);
}
const isRestored = command === "build" || command === "lint" ? existsSync("restored-" + basename(file)) : true;
if (!isRestored) results.push({ ruleId: "BCP190", message: { text: "has not been restored" }, locations: [] });
if (command === "build") console.error(JSON.stringify({ runs: [{ results }] }));
if (command === "lint") console.log(JSON.stringify({ runs: [{ results }] }));
const snapshot = file.replace(".bicepparam", ".snapshot.json");
if (command === "snapshot") copyFileSync(join("infra/snapshots", basename(snapshot)), snapshot);
if (command === "snapshot" && !${isSilent}) console.error(text);
if (${isOwnComparisonLoud} && process.argv.includes("validate")) console.log("~ Microsoft.Web/sites");
`;
  await writeFile(path, source);
  await chmod(path, 0o755);
  return path;
}

describe("npm run check:infra", () => {
  test("passes without a compiler, and says that nothing was checked", async () => {
    const { code, output } = await checkInfra(await copyOfInfra(), {});
    expect(code).toBe(0);
    expect(output).toContain("not checked, there is no Bicep compiler");
  });

  test("fails on any finding of the compiler, even if its exit code is 0", async () => {
    const folder = await copyOfInfra();
    const path = await fakeCompiler(folder, { isSilent: false });
    const { code, output } = await checkInfra(folder, { PATH: folder });
    expect(output).toContain(`check:infra: ${path}, Bicep CLI version 0.49.2`);
    for (const command of ["build", "lint", "snapshot"]) expect(output).toContain(`a word on ${command}`);
    expect(code).toBe(1);
  });

  test("passes when the compiler has no findings", async () => {
    const folder = await copyOfInfra();
    const path = await fakeCompiler(folder, { isSilent: true });
    expect(await checkInfra(folder, { BICEP: path })).toMatchObject({ code: 0 });
  });

  test("fails when the compiler's own comparison finds a change", async () => {
    const folder = await copyOfInfra();
    const path = await fakeCompiler(folder, { isSilent: true, isOwnComparisonLoud: true });
    const { code, output } = await checkInfra(folder, { BICEP: path });
    expect(output).toContain("registrations-made.bicepparam: validate ended with 0: ~ Microsoft.Web/sites");
    expect(code).toBe(1);
  });

  test("fails when BICEP names no compiler", async () => {
    const { code, output } = await checkInfra(await copyOfInfra(), { BICEP: "/nowhere/bicep" });
    expect(code).toBe(1);
    expect(output).toContain("/nowhere/bicep");
  });
});

type Change = readonly [file: string, from: string, to: string];

// Runs only where BICEP names a compiler.
describe.skipIf(!BICEP)("npm run check:infra, with the compiler that BICEP names,", () => {
  /** Runs `check:infra` on a copy with the changes. */
  async function checkWith(...changes: readonly Change[]) {
    const folder = await copyOfInfra();
    for (const [file, from, to] of changes) {
      const path = join(folder, "infra", file);
      const text = await readFile(path, "utf8");
      expect(text).toContain(from);
      await writeFile(
        path,
        text.replace(from, () => to),
      );
    }
    return checkInfra(folder, { BICEP: `${BICEP}`, ...(BICEP_CONFIG && { BICEP_CONFIG }) });
  }

  test("passes with one more scope of Graph in the list", { timeout: 600_000 }, async () => {
    const { code, output } = await checkWith(["graph-scopes.json", "[", '["Mail.Read", ']);
    expect(output).toContain(", 0 problems");
    expect(code).toBe(0);
  });

  test("names a property that does not exist and an unused parameter", { timeout: 600_000 }, async () => {
    const { code, output } = await checkWith(
      ["modules/budget.bicep", "    category: 'Cost'", "    kategory: 'Cost'"],
      ["modules/budget.bicep", "resource budget", "param spare string\n\nresource budget"],
    );
    expect(output).toMatch(/budget\.bicep:\d+ BCP089: .*kategory/);
    expect(output).toMatch(/budget\.bicep:\d+ no-unused-params: .*spare/);
    expect(code).toBe(1);
  });

  test("shows a changed name", { timeout: 600_000 }, async () => {
    const { code, output } = await checkWith(["resources.bicep", "'func-api-$", "'func-backend-$"]);
    expect(output).toContain("deploys something else");
    expect(output).toMatch(/^- .*func-api-/m);
    expect(code).toBe(1);
  });

  test("has a reason to compare snapshots itself: the compiler throws on objects of Graph", {
    timeout: 600_000,
  }, async () => {
    const folder = await copyOfInfra();
    const file = join(folder, "infra/snapshots/registrations.bicepparam");
    for (const name of ["bicepparam", "snapshot.json"])
      await cp(`${ROOT}infra/snapshots/registrations.${name}`, join(dirname(file), `registrations.${name}`));
    const group = ["--resource-group", "rg-x", "--location", "westeurope"];
    const args = [
      "snapshot",
      file,
      "--mode",
      "validate",
      ...group,
      ...(BICEP_CONFIG ? ["--config", BICEP_CONFIG] : []),
    ];
    const said = await new Promise((resolve) => execFile(`${BICEP}`, args, (_, __, stderr) => resolve(stderr)));
    // If this fails, the compiler can compare them itself: docs/decisions/0066-check-infra-compares-snapshots.md.
    expect(said).toContain("SnapshotDiffer.ConvertToWhatIfResource");
  });

  test("refuses any origin", { timeout: 600_000 }, async () => {
    const { code, output } = await checkWith([
      "snapshots/registrations-made.bicepparam",
      "https://portal.contoso.com",
      "*",
    ]);
    expect(output).toContain("* is refused");
    expect(code).toBe(1);
  });
});
