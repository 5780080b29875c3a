import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build as bundle } from "esbuild";
import { apiFiles, type BuiltFile } from "./deployed-files.ts";
import { FROM_SOURCE } from "./from-source.ts";
import { FRONTEND_PAGE, FRONTEND_SERVER, frontendFiles } from "./frontend-build.ts";
import { lazyParts } from "./lazy-parts.ts";
import { markdownPage } from "./markdown-page.ts";
import { documentImport } from "./openapi/document-import.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** An ES module of one file. */
const AS_MODULE = {
  format: "esm",
  // Bundled CommonJS packages still call `require` for Node's own modules.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
} as const;
const NODE = { bundle: true, platform: "node", target: "node20" } as const;

/**
 * Builds `dist/`: the Functions app in `dist/api` and the frontend in `dist/frontend`, each to be deployed alone, and their
 * source maps in `dist/maps`. Removes whatever else lies in `dist/`. Types are checked apart, by `npm run typecheck`. Resolves to
 * the paths of the files that changed, below `dist/`. Rejects when a source is not valid.
 */
export async function build(): Promise<readonly string[]> {
  const files = await Promise.all([
    functionsApp(),
    apiFiles(ROOT),
    bundleWithMap(FRONTEND_SERVER, "frontend/main.mjs"),
    bundled(FRONTEND_PAGE, "frontend/page/page.js"),
    frontendFiles(ROOT),
  ]);
  const changed = await Promise.all(files.flat().map(writeChanged));
  await removeAllBut(files.flat().map(([name]) => name));
  return changed.flat();
}

/**
 * Bundles the Functions app: `main.cjs` with every file of `src/functions` and all they need, and beside it a bundle for each
 * file or package that is imported only when it is needed.
 */
async function functionsApp(): Promise<readonly BuiltFile[]> {
  const files = (await readdir(`${ROOT}src/functions`)).filter((name) => /^[^.]+\.ts$/.test(name)).sort();
  const contents = files.map((name) => `import "./src/functions/${name}";`).join("\n");
  const parts = lazyParts();
  const plugins = [markdownPage, documentImport(ROOT), parts.plugin];
  const stdin = { contents, resolveDir: ROOT, sourcefile: "main.ts" };
  const bundles = [await bundleWithMap({ ...FUNCTIONS_APP, plugins, stdin }, "api/main.cjs")];
  for (const { source, name } of parts.found.values()) {
    bundles.push(await bundleWithMap({ ...NODE, ...AS_MODULE, plugins, entryPoints: [source] }, `api/${name}`));
  }
  return bundles.flat();
}

const FUNCTIONS_APP: BuildOptions = {
  ...NODE,
  format: "cjs",
  // The Functions worker provides it, by intercepting this very require.
  external: ["@azure/functions-core"],
  mainFields: ["module", "main"],
  alias: FROM_SOURCE,
};

/**
 * Bundles to `<folder>/<name>` and puts the source map into `maps/`, at the same depth, so that its paths to the
 * sources hold.
 */
async function bundleWithMap(options: BuildOptions, path: string): Promise<readonly BuiltFile[]> {
  const map = path.replace(/^[^/]+/, "maps");
  const footer = { js: `//# sourceMappingURL=../${map}.map` };
  const files = await bundled({ ...options, sourcemap: "external", footer }, path);
  return files.map(([name, contents]) => [name.endsWith(".map") ? `${map}.map` : name, contents]);
}

async function bundled(options: BuildOptions, path: string): Promise<readonly BuiltFile[]> {
  const how = { absWorkingDir: ROOT, ...options, outfile: `dist/${path}`, logLevel: "warning", write: false } as const;
  const { outputFiles = [] } = await bundle(how);
  return outputFiles.map((file) => [relative(`${ROOT}dist`, file.path).replaceAll("\\", "/"), file.contents]);
}

/**
 * Replaces a file atomically, so that a process never loads half of it, and only if it differs. Resolves to the path if
 * it was replaced.
 */
async function writeChanged([name, contents]: BuiltFile): Promise<string[]> {
  const path = `${ROOT}dist/${name}`;
  const current = await readFile(path).catch(() => undefined);
  if (current?.equals(contents)) return [];
  await mkdir(dirname(path), { recursive: true });
  // No other build writes or removes a file of this name.
  const draft = `${ROOT}dist/.${name.replaceAll("/", "-")}.${process.pid}`;
  await writeFile(draft, contents);
  await rename(draft, path);
  return [name];
}

/** Folder of `scripts/build-library.ts`, which the app's build leaves alone. */
const LIBRARY = "library";

/** Removes all other files from `dist/`, such as old bundles or an `.env`: every tool deploys whole folders. */
async function removeAllBut(names: readonly string[]): Promise<void> {
  const found = (await readdir(`${ROOT}dist`, { recursive: true })).map((path) => path.replaceAll("\\", "/"));
  const isDraft = (path: string) => /^\.[^/]+$/.test(path);
  const isKept = (path: string) => names.some((name) => name === path || name.startsWith(`${path}/`));
  const others = found.filter((path) => !isKept(path) && !isDraft(path) && path.split("/")[0] !== LIBRARY);
  await Promise.all(others.map((path) => rm(`${ROOT}dist/${path}`, { recursive: true, force: true })));
}
