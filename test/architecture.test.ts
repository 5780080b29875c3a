import { access, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const page = await readFile(`${ROOT}docs/architecture.md`, "utf8");
/** Files of the described path, in the page's order: each step begins with one. */
const walk = [...page.matchAll(/^\d+\. `(src\/[^`]+)`/gm)].map(([, path = ""]) => path);

/** Reads the files of src that a file imports, types left out. */
async function importsOf(file: string): Promise<string[]> {
  const code = await readFile(ROOT + file, "utf8");
  const paths = [...code.matchAll(/^(?:import|export) (?!type ).*?from "(\.[^"]+)";/gms)].map(([, path = ""]) => path);
  return paths.map((path) => join(dirname(file), path));
}

describe("docs/architecture.md", () => {
  test("names files and folders that are there", async () => {
    const named = [...page.matchAll(/`((?:src|test|infra)\/[^`]+|biome\.json)`/g)].map(([, path = ""]) => path);
    expect(named.length).toBeGreaterThan(20);
    await Promise.all(named.map((path) => access(ROOT + path)));
  });

  test("describes the path from the route to the answer in at most twelve files, each once", () => {
    expect(walk[0]).toBe("src/functions/profile.ts");
    expect(walk.length).toBeLessThanOrEqual(12);
    expect(new Set(walk).size).toBe(walk.length);
  });

  test.each(walk.slice(1))("reaches %s from an earlier file that imports it", async (file) => {
    const before = walk.slice(0, walk.indexOf(file));
    const imported = await Promise.all(before.map(importsOf));

    expect(imported.flat()).toContain(file);
  });

  test("draws every folder of src", async () => {
    const picture = /```mermaid(.*?)```/s.exec(page)?.[1] ?? "";
    const folders = (await readdir(`${ROOT}src`, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    expect(folders.map(({ name }) => `${name}/`).filter((name) => !picture.includes(name))).toEqual([]);
  });
});
