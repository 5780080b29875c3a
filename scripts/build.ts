import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build as bundle } from "esbuild";
import { FRONTEND_PAGE, FRONTEND_SERVER, frontendFiles } from "./frontend-build.ts";
import { markdownPage } from "./markdown-page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Makes `dist/`: the Functions app and the frontend. Types are checked apart, by `npm run typecheck`. */
export async function build(): Promise<void> {
  await Promise.all([
    writeBundle(await functionsApp()),
    writeBundle(FRONTEND_SERVER),
    writeBundle(FRONTEND_PAGE),
    ...(await frontendFiles(ROOT)).map(([name, contents]) => writeChanged(`${ROOT}dist/${name}`, contents)),
  ]);
}

/** `dist/main.cjs`: every file of `src/functions`, and all they need, in one CommonJS bundle. */
async function functionsApp(): Promise<BuildOptions> {
  const files = (await readdir(`${ROOT}src/functions`)).filter((name) => /^[^.]+\.ts$/.test(name)).sort();
  const contents = files.map((name) => `import "./src/functions/${name}";`).join("\n");
  return {
    stdin: { contents, resolveDir: ROOT, sourcefile: "main.ts" },
    outfile: `${ROOT}dist/main.cjs`,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    sourcemap: true,
    // The Functions worker provides it, by intercepting this very require.
    external: ["@azure/functions-core"],
    mainFields: ["module", "main"],
    plugins: [markdownPage],
  };
}

async function writeBundle(options: BuildOptions): Promise<void> {
  const { outputFiles } = await bundle({ absWorkingDir: ROOT, ...options, logLevel: "warning", write: false });
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
