import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const ENTRIES = {
  command: "src/command/main.ts",
  index: "src/index.ts",
  "test-kit": "src/test-kit/stack.ts",
  vitest: "src/test-kit/vitest.ts",
  parts: "src/parts.ts",
  preload: "src/routing/preload.ts",
};

/** Builds `dist/`: JavaScript for Node 20.19 and later, its dependencies left out; with `types`, the declarations too. */
export async function buildPackage({ types = false } = {}) {
  await build({
    absWorkingDir: PACKAGE,
    entryPoints: ENTRIES,
    outdir: "dist",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    packages: "external",
    chunkNames: "chunks/[name]-[hash]",
    logLevel: "warning",
  });
  if (types) await writeTypes();
}

async function writeTypes() {
  const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
  await promisify(execFile)(process.execPath, [join(typescript, "bin/tsc"), "-p", "tsconfig.types.json"], {
    cwd: PACKAGE,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await buildPackage({ types: process.argv.includes("--types") });
}
