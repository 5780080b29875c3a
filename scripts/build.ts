import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build as bundle } from "esbuild";
import { FRONTEND_PAGE, FRONTEND_SERVER, frontendFiles } from "./frontend-build.ts";
import { lazyParts } from "./lazy-parts.ts";
import { markdownPage } from "./markdown-page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** An ES module of one file. */
const AS_MODULE = {
  format: "esm",
  // Bundled CommonJS packages still require Node's own modules.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
} as const;
const NODE = { bundle: true, platform: "node", target: "node20", sourcemap: true } as const;

/**
 * Makes `dist/`: the Functions app and the frontend. Types are checked apart, by `npm run typecheck`. Resolves to the paths
 * of the files that are not as they were, below `dist/`. Rejects when a source is not valid.
 */
export async function build(): Promise<readonly string[]> {
  const written = await Promise.all([
    writeFunctionsApp(),
    writeBundle(FRONTEND_SERVER),
    writeBundle(FRONTEND_PAGE),
    writeBundle(ROUTING),
    ...(await frontendFiles(ROOT)).map(([name, contents]) => writeChanged(`${ROOT}dist/${name}`, contents)),
  ]);
  return written.flat().map((path) => path.slice(`${ROOT}dist/`.length));
}

/**
 * `dist/main.cjs`: every file of `src/functions`, and all they need, in one CommonJS bundle; and beside it a bundle for each
 * file or package that is imported only when it is needed.
 */
async function writeFunctionsApp(): Promise<readonly string[]> {
  const files = (await readdir(`${ROOT}src/functions`)).filter((name) => /^[^.]+\.ts$/.test(name)).sort();
  const contents = files.map((name) => `import "./src/functions/${name}";`).join("\n");
  const parts = lazyParts();
  const plugins = [markdownPage, parts.plugin];
  const stdin = { contents, resolveDir: ROOT, sourcefile: "main.ts" };
  const written = [await writeBundle({ ...FUNCTIONS_APP, plugins, stdin, outfile: "dist/main.cjs" })];
  for (const { source, name } of parts.found.values()) {
    written.push(await writeBundle({ ...NODE, ...AS_MODULE, plugins, entryPoints: [source], outfile: `dist/${name}` }));
  }
  return written.flat();
}

const FUNCTIONS_APP: BuildOptions = {
  ...NODE,
  format: "cjs",
  // The Functions worker provides it, by intercepting this very require.
  external: ["@azure/functions-core"],
  mainFields: ["module", "main"],
};

/** `dist/emulator/route-microsoft-origins.mjs`: for processes without TypeScript. Never deployed. */
const ROUTING: BuildOptions = {
  ...NODE,
  ...AS_MODULE,
  entryPoints: ["packages/easy-auth-local/src/route-microsoft-origins.ts"],
  outfile: "dist/emulator/route-microsoft-origins.mjs",
};

async function writeBundle(options: BuildOptions): Promise<string[]> {
  const { outputFiles = [] } = await bundle({ absWorkingDir: ROOT, ...options, logLevel: "warning", write: false });
  return (await Promise.all(outputFiles.map(({ path, contents }) => writeChanged(path, contents)))).flat();
}

/**
 * Replaces a file at once and only when it differs, so that a process that is loading it never sees half of it. Resolves to
 * the path when it did.
 */
async function writeChanged(path: string, contents: Uint8Array): Promise<string[]> {
  const current = await readFile(path).catch(() => undefined);
  if (current?.equals(contents)) return [];
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, contents);
  await rename(draft, path);
  return [path];
}
