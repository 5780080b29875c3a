import { readFile } from "node:fs/promises";

/** A file's name below `dist/`, and its content. */
export type BuiltFile = readonly [name: string, contents: Uint8Array];

/** Returns the files of `dist/api` that no bundler makes. */
export async function apiFiles(root: string): Promise<readonly BuiltFile[]> {
  return [["api/host.json", await readFile(`${root}host.json`)], await packageJson(root, "api", { main: "main.cjs" })];
}

/** Returns the package.json of a folder to be deployed: its Node versions, and how it starts. It has nothing to install. */
export async function packageJson(
  root: string,
  folder: string,
  how: Readonly<Record<string, unknown>>,
): Promise<BuiltFile> {
  const { name, version, engines } = JSON.parse(await readFile(`${root}package.json`, "utf8"));
  const content = { name: `${name}-${folder}`, version, private: true, engines, ...how };
  return [`${folder}/package.json`, Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`)];
}
