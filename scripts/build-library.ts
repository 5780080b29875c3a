import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type BuildOptions, build } from "esbuild";
import { GRAPH_CLIENT_FROM_SOURCE } from "./from-source.ts";
import { lazyParts } from "./lazy-parts.ts";
import { markdownPage } from "./markdown-page.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDER = join(ROOT, "dist/library");
/** Names that the package exports: all that an endpoint uses. */
const NAMES = [
  "asUser",
  "graphFor",
  "credentialFor",
  "fetchAs",
  "relayed",
  "requireAuthContext",
  "jsonBodyOf",
  "AppError",
];
const TYPES = ["Api", "AsUser", "SignedInUser", "UserEndpoint", "UserEndpointOptions", "UserHandler"];
/** Packages that the declarations name; the code itself is in the bundle. */
const TYPE_PACKAGES = ["@azure/core-auth", "@microsoft/microsoft-graph-client", "@standard-schema/spec"];

/**
 * Builds `dist/library`: the package with `asUser` and all that endpoints use, for an app of one's own, to be packed by
 * `npm pack`. CommonJS, with a wrapper for ES modules, so that a process has one MSAL client and one cache either way.
 */
async function buildLibrary(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  await Promise.all([writeCode(), writeTypes(), writeManifest()]);
}

async function writeCode(): Promise<void> {
  const parts = lazyParts(".cjs");
  const bundle = (options: BuildOptions, name: string) =>
    build({ ...BUNDLE, plugins: [markdownPage, parts.plugin], ...options, outfile: join(FOLDER, name) });
  const contents = `export { ${NAMES.join(", ")} } from "./src/app.ts";`;
  await bundle({ stdin: { contents, resolveDir: ROOT, sourcefile: "index.ts", loader: "ts" } }, "index.js");
  await bundle({ entryPoints: ["src/functions/errors.ts"] }, "errors.js");
  for (const { source, name } of parts.found.values()) await bundle({ entryPoints: [source] }, name);
  await writeFile(join(FOLDER, "index.mjs"), `export { ${NAMES.join(", ")} } from "./index.js";\n`);
}

const BUNDLE: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["@azure/functions"],
  alias: GRAPH_CLIENT_FROM_SOURCE,
  mainFields: ["module", "main"],
  logLevel: "warning",
};

/** Writes the declarations of `src/app.ts` and of every file that they refer to. */
async function writeTypes(): Promise<void> {
  const emitted = await mkdtemp(join(tmpdir(), "library-types-"));
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.library.json", "--outDir", emitted], { cwd: ROOT });
  await copyDeclarations(join(emitted, "src/app.d.ts"), join(emitted, "src"));
  await rm(emitted, { recursive: true });
  const exported = [...NAMES, ...TYPES.map((name) => `type ${name}`)].join(", ");
  await writeFile(join(FOLDER, "index.d.ts"), `export { ${exported} } from "./types/app.js";\n`);
  await writeFile(join(FOLDER, "index.d.mts"), `export * from "./index.js";\n`);
  await writeFile(join(FOLDER, "errors.d.ts"), "export {};\n");
}

const IMPORT = /(from |import\()"(\.[^"]+)\.ts"/g;

/** Copies a declaration file and those it imports, with import paths that every TypeScript since 4.7 resolves. */
async function copyDeclarations(path: string, from: string, copied: Set<string> = new Set()): Promise<void> {
  if (copied.has(path)) return;
  copied.add(path);
  const text = await readFile(path, "utf8");
  const target = join(FOLDER, "types", relative(from, path));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, text.replace(IMPORT, '$1"$2.js"'));
  for (const [, , name] of text.matchAll(IMPORT))
    await copyDeclarations(join(dirname(path), `${name}.d.ts`), from, copied);
}

async function writeManifest(): Promise<void> {
  const { name, version, description, license, engines, dependencies, devDependencies } = JSON.parse(
    await readFile(join(ROOT, "package.json"), "utf8"),
  );
  const versionOf = (dependency: string) => [dependency, { ...devDependencies, ...dependencies }[dependency]];
  const manifest = {
    ...{ name, version, description, license, engines },
    main: "index.js",
    types: "index.d.ts",
    exports: {
      ".": {
        import: { types: "./index.d.mts", default: "./index.mjs" },
        require: { types: "./index.d.ts", default: "./index.js" },
      },
      "./errors": { types: "./errors.d.ts", default: "./errors.js" },
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(TYPE_PACKAGES.map(versionOf)),
    peerDependencies: Object.fromEntries(["@azure/functions"].map(versionOf)),
  };
  await writeFile(join(FOLDER, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await cp(join(ROOT, "LICENSE"), join(FOLDER, "LICENSE"));
  await cp(join(ROOT, "docs/existing-app.md"), join(FOLDER, "README.md"));
}

await buildLibrary();
