import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, onTestFinished, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What `.funcignore` leaves, by the rules of `.gitignore`, which azd and Core Tools follow. */
function published(): string[] {
  const repository = mkdtempSync(join(tmpdir(), "funcignore-"));
  onTestFinished(() => rmSync(repository, { recursive: true, force: true }));
  execFileSync("git", ["init", "--bare", "--quiet", repository]);
  const where = [`--git-dir=${repository}`, `--work-tree=${ROOT}`, "-c", "core.bare=false"];
  const list = ["ls-files", "--others", "--exclude-from=.funcignore"];
  return execFileSync("git", [...where, ...list], { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n")
    .sort();
}

test("the API's package is host.json, package.json and what is built of src", () => {
  const onDemand = readdirSync(join(ROOT, "dist")).filter((name) => name.endsWith(".mjs"));
  expect(onDemand).toEqual(expect.arrayContaining(["azure-storage-blob.mjs", "exporter.mjs"]));
  const parts = onDemand.map((name) => `dist/${name}`);
  expect(published()).toEqual([...parts, "dist/main.cjs", "host.json", "package.json"].sort());
});

test("what a cold start loads is small", () => {
  expect(gzipSync(readFileSync(join(ROOT, "dist/main.cjs"))).length).toBeLessThan(400_000);
});

test("the workflow publishes the same package", () => {
  const workflow = readFileSync(join(ROOT, ".github/workflows/deploy.yml"), "utf8");
  const [, patterns = ""] = /zip -q api\.zip (.+)/.exec(workflow) ?? [];
  const zipped = execFileSync("sh", ["-c", `ls -1 ${patterns}`], { cwd: ROOT, encoding: "utf8" });
  expect(zipped.trim().split("\n").sort()).toEqual(published());
});

test("the package's entry is the bundle", () => {
  expect(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).main).toBe("dist/main.cjs");
});
