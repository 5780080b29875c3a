import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const NEEDED = [
  "src",
  "infra",
  "packages",
  "docs",
  "frontend",
  "scripts",
  "easy-auth-local.json",
  "host.json",
  "local.settings.example.json",
  "package.json",
  "tsconfig.json",
];
/** The copy omits the tests and other files that the project's own configuration names. */
const TYPES_OF_APP = JSON.stringify({ extends: "./tsconfig.json", include: ["src", "scripts/built-imports.d.ts"] });
const run = promisify(execFile);

export interface AppCopy {
  readonly root: string;
  remove(): Promise<void>;
}

/** Copies the app to another folder with new files in `src/functions`, checks its types and builds the bundle. */
export async function buildCopyWith(files: Readonly<Record<string, string>>): Promise<AppCopy> {
  const root = await mkdtemp(join(tmpdir(), "app-"));
  const filter = (path: string) => !path.includes("node_modules", ROOT.length);
  await Promise.all(NEEDED.map((name) => cp(join(ROOT, name), join(root, name), { recursive: true, filter })));
  await symlink(join(ROOT, "node_modules"), join(root, "node_modules"));
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(root, "src/functions", name), text)));
  await writeFile(join(root, "tsconfig.app.json"), TYPES_OF_APP);
  const compile = ["node_modules/typescript/bin/tsc", "-p", "tsconfig.app.json", "--singleThreaded"];
  await run(process.execPath, compile, { cwd: root });
  const { build } = (await import(
    pathToFileURL(join(root, "scripts/build.ts")).href
  )) as typeof import("../../scripts/build.ts");
  await build();
  return { root, remove: () => rm(root, { recursive: true }) };
}

/** Returns the blocks of TypeScript in a page of this repository. */
export async function blocksOf(page: string): Promise<readonly string[]> {
  const text = await readFile(join(ROOT, page), "utf8");
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, block = ""]) => block);
}
