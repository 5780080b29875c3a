import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { isBuiltin } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build as bundle, type Plugin } from "esbuild";
import { markdownPage } from "./markdown-page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGE_FILES = ["index.html", "style.css", "icon.svg"];
/** An ES module of one file. */
const AS_MODULE = {
  format: "esm",
  // Bundled CommonJS packages still require Node's own modules.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
  },
} as const;
const NODE = { bundle: true, platform: "node", target: "node20", sourcemap: true } as const;

/** Makes `dist/`: the Functions app and the frontend. Types are checked apart, by `npm run typecheck`. */
export async function build(): Promise<void> {
  await Promise.all([
    buildFunctionsApp(),
    writeBundle(FRONTEND_SERVER),
    writeBundle(PAGE),
    ...PAGE_FILES.map(async (name) =>
      writeChanged(`${ROOT}dist/frontend/page/${name}`, await readFile(`${ROOT}frontend/page/${name}`)),
    ),
  ]);
}

async function buildFunctionsApp(): Promise<void> {
  const packages = new Set<string>();
  await writeBundle(await functionsApp(packages));
  await Promise.all([...packages].map((name) => writeBundle(packageOnDemand(name))));
}

/** `dist/main.cjs`: every file of `src/functions`, and all they need, in one CommonJS bundle. */
async function functionsApp(packages: Set<string>): Promise<BuildOptions> {
  const files = (await readdir(`${ROOT}src/functions`)).filter((name) => /^[^.]+\.ts$/.test(name)).sort();
  const contents = files.map((name) => `import "./src/functions/${name}";`).join("\n");
  return {
    ...NODE,
    stdin: { contents, resolveDir: ROOT, sourcefile: "main.ts" },
    outfile: `${ROOT}dist/main.cjs`,
    format: "cjs",
    // The Functions worker provides it, by intercepting this very require.
    external: ["@azure/functions-core"],
    mainFields: ["module", "main"],
    plugins: [markdownPage, onDemand(packages)],
  };
}

/**
 * Packages that endpoints load with `await import("…")` stay out of the app's bundle, which finds each in a file beside it:
 * unused, they would cost a start some milliseconds all the same.
 */
function onDemand(packages: Set<string>): Plugin {
  return {
    name: "on-demand",
    setup: ({ onResolve }) => {
      onResolve({ filter: /^[@a-z]/ }, ({ path, kind, importer }) => {
        if (kind !== "dynamic-import" || isBuiltin(path) || importer.includes("node_modules")) return undefined;
        packages.add(path);
        return { path: `./${fileOnDemand(path)}`, external: true };
      });
    },
  };
}

function fileOnDemand(name: string): string {
  return `${name.replace("@", "").replaceAll("/", "-")}.mjs`;
}

function packageOnDemand(name: string): BuildOptions {
  return {
    ...NODE,
    ...AS_MODULE,
    stdin: { contents: `export * from "${name}";`, resolveDir: ROOT, sourcefile: `${name}.ts` },
    outfile: `${ROOT}dist/${fileOnDemand(name)}`,
  };
}

/** `dist/frontend/main.mjs`: the frontend's server in one file. */
const FRONTEND_SERVER: BuildOptions = {
  ...NODE,
  entryPoints: [`${ROOT}frontend/main.ts`],
  outfile: `${ROOT}dist/frontend/main.mjs`,
  ...AS_MODULE,
};

const PAGE: BuildOptions = {
  entryPoints: [`${ROOT}frontend/page/page.ts`],
  outfile: `${ROOT}dist/frontend/page/page.js`,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
};

async function writeBundle(options: BuildOptions): Promise<void> {
  const { outputFiles } = await bundle({ ...options, logLevel: "warning", write: false });
  for (const { path, contents } of outputFiles ?? []) await writeChanged(path, contents);
}

/** Replaces a file at once and only when it differs, so that a process that is loading it never sees half of it. */
async function writeChanged(path: string, contents: Uint8Array): Promise<void> {
  const current = await readFile(path).catch(() => undefined);
  if (current?.equals(contents)) return;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, contents);
  await rename(draft, path);
}
