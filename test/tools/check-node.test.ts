import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

/** Runs the check as if on another version of Node. */
function checkWith(version: string) {
  const versions = `Object.defineProperty(process, "versions", { value: { node: "${version}" } });`;
  return spawnSync(process.execPath, ["-e", `${versions} require("./scripts/check-node.cjs")`], { encoding: "utf8" });
}

test.each(["18.20.8", "20.18.3"])("npm start says in one sentence that Node %s is too old", (version) => {
  const { status, stderr } = checkWith(version);
  expect([status, stderr]).toEqual([
    1,
    `This needs Node 20.19 or newer, and this is ${version}: install one from https://nodejs.org.\n`,
  ]);
});

test.each(["20.19.0", "22.1.0", "24.0.0"])("npm start accepts Node %s", (version) => {
  expect(checkWith(version)).toMatchObject({ status: 0, stderr: "" });
});

test("npm start begins with that check", async () => {
  const { scripts } = JSON.parse(await readFile("package.json", "utf8"));
  expect(scripts.prestart).toBe("node scripts/check-node.cjs");
});

test("every install script of a package is allowed or refused by name, so that npm ci warns of none", async () => {
  const { packages } = JSON.parse(await readFile("package-lock.json", "utf8"));
  const { allowScripts } = JSON.parse(await readFile("package.json", "utf8"));
  const withScript = Object.entries<{ hasInstallScript?: true; optional?: true }>(packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => path.split("node_modules/").at(-1) ?? "");
  expect([...new Set(withScript)].filter((name) => !(name in allowScripts))).toEqual([]);
});
