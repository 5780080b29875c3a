import { execFile } from "node:child_process";
import { chmod, cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const { BICEP, BICEP_CONFIG } = process.env;

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
  const args = ["--import", "tsx", `${ROOT}scripts/check-infra.ts`];
  const all = { PATH: "", HOME: folder, ...env };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder, env: all }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

/**
 * Stands for the compiler: evaluates to the committed snapshot, and has something to say to one command. Like the real one it
 * needs its extensions restored, by one process at a time.
 */
async function fakeCompiler(folder: string, says: { command: string; text: string; code: number }): Promise<string> {
  const path = join(folder, "bicep");
  const source = `#!${process.execPath}
const { closeSync, copyFileSync, existsSync, openSync, rmSync, writeFileSync } = require("node:fs");
const { basename, join } = require("node:path");
const [command, file = ""] = process.argv.slice(2);
const says = ${JSON.stringify(says)};
const isIt = command === says.command;
const results = isIt ? [{ ruleId: "RULE", message: { text: says.text }, locations: [] }] : [];
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
if (command === "snapshot" && isIt) console.error(says.text);
if (isIt) process.exitCode = says.code;
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

  test.each(["build", "lint", "snapshot"])(
    "fails on a word of the compiler, though it ends well: %s",
    async (command) => {
      const folder = await copyOfInfra();
      const path = await fakeCompiler(folder, { command, text: "a warning", code: 0 });
      const { code, output } = await checkInfra(folder, { PATH: folder });
      expect(output).toContain(`check:infra: ${path}, Bicep CLI version 0.49.2`);
      expect(output).toContain("a warning");
      expect(code).toBe(1);
    },
  );

  test("passes when the compiler says nothing", async () => {
    const folder = await copyOfInfra();
    const path = await fakeCompiler(folder, { command: "none", text: "", code: 0 });
    expect(await checkInfra(folder, { BICEP: path })).toMatchObject({ code: 0 });
  });

  test("fails when BICEP names no compiler", async () => {
    const { code, output } = await checkInfra(await copyOfInfra(), { BICEP: "/nowhere/bicep" });
    expect(code).toBe(1);
    expect(output).toContain("/nowhere/bicep");
  });
});

// Tells that all is well only where BICEP names a compiler; skipped elsewhere.
describe.skipIf(!BICEP)("with the compiler that BICEP names", () => {
  test.each([
    ["a property that does not exist", "budget.bicep", "    category: 'Cost'", "    kategory: 'Cost'", "BCP089"],
    [
      "an unused parameter",
      "budget.bicep",
      "resource budget",
      "param spare string\n\nresource budget",
      "no-unused-params",
    ],
    ["a changed name", "../resources.bicep", "'func-api-$", "'func-backend-$", "deploys something else"],
    ["any origin", "../snapshots/registrations-made.bicepparam", "https://portal.contoso.com", "*", "* is refused"],
  ])("fails on %s", { timeout: 600_000 }, async (_, file, from, to, message) => {
    const folder = await copyOfInfra();
    const path = join(folder, "infra/modules", file);
    await writeFile(
      path,
      (await readFile(path, "utf8")).replace(from, () => to),
    );
    const { code, output } = await checkInfra(folder, { BICEP: `${BICEP}`, ...(BICEP_CONFIG && { BICEP_CONFIG }) });
    expect(output).toContain(message);
    expect(code).toBe(1);
  });
});
