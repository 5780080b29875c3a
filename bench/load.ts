import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { build, buildSync, transformSync } from "esbuild";
import { documentImport } from "../scripts/openapi/document-import.ts";
import { MAJORS, nodeOf } from "./nodes.ts";
import { bundleText, ROOT } from "./processes.ts";
import { APP_ENVIRONMENT } from "./settings.ts";
import { median, roundedAll } from "./statistics.ts";

export interface LoadOptions {
  readonly folder: string;
  readonly rounds: number;
  readonly progress: (text: string) => void;
}

/** Milliseconds: median and minimum over all rounds. */
export interface Times {
  readonly median: number;
  readonly min: number;
}

export interface LoadFigures {
  /** Times from the start of a process to its end. */
  readonly processes: Readonly<Record<"empty" | "bundle" | "unbundled", Times>>;
  /** Times beyond those of the empty process. */
  readonly dependencies: Readonly<Record<string, Times>>;
  readonly bundleBytes: number;
}

/** Imports of `src/` by dependency, and alternatives to some of them. */
const DEPENDENCIES: Readonly<Record<string, string>> = {
  "@azure/functions": 'import { app } from "@azure/functions"; keep(app);',
  "@azure/msal-node":
    'import { AuthError, ConfidentialClientApplication } from "@azure/msal-node"; keep(AuthError, ConfidentialClientApplication);',
  "@microsoft/microsoft-graph-client":
    'import { Client, GraphClientError, GraphError } from "@microsoft/microsoft-graph-client"; keep(Client, GraphClientError, GraphError);',
  jose: 'import { createRemoteJWKSet, errors, jwtVerify } from "jose"; keep(createRemoteJWKSet, errors, jwtVerify);',
  "undici, parts":
    'import request from "undici/lib/api/api-request.js"; import { getGlobalDispatcher } from "undici/lib/global.js"; keep(request, getGlobalDispatcher);',
  "undici, whole": 'import { request } from "undici"; keep(request);',
  "built-in fetch": "keep(new Headers());",
  "lru-cache": 'import { LRUCache } from "lru-cache"; keep(LRUCache);',
  "p-limit": 'import pLimit from "p-limit"; keep(pLimit);',
};

/** Minimal stand-in for the Functions worker, the same in all processes. */
const CORE_STUB = `
const Module = require("node:module");
const load = Module.prototype.require;
const core = {
  version: "3.14.1",
  hostVersion: "4.1041.200.1",
  Disposable: class { dispose() {} },
  setProgrammingModel() {},
  getProgrammingModel() {},
  registerFunction: () => new core.Disposable(),
  registerHook: () => new core.Disposable(),
  log() {},
};
Module.prototype.require = function (id) { return id === "@azure/functions-core" ? core : load.call(this, id); };
`;

/** Median milliseconds from the start of a process to its end, on one version of Node. */
export interface ColdStart {
  readonly empty: number;
  readonly bundle: number;
  /** The bundle beside V8's compile cache from the same Node, flags and user; absent on a Node without `enableCompileCache`. */
  readonly with_compile_cache?: number;
}

/** Loads the built app on every Node that is installed, by its major version. */
export function measureColdStart({ folder, rounds, progress }: LoadOptions): Record<string, ColdStart> {
  const stub = write(folder, "core-stub.cjs", CORE_STUB);
  const empty = write(folder, "empty.cjs", "");
  const bundle = join(ROOT, "dist/api/main.cjs");
  const cached = write(folder, "cached.cjs", cachedEntry(bundle, join(folder, "compile-cache")));
  const figures: Record<string, ColdStart> = {};
  for (const major of MAJORS) {
    const execPath = nodeOf(major);
    if (execPath === undefined) continue;
    const scripts: Record<string, string> = { empty, bundle, ...(major >= 22 && { with_compile_cache: cached }) };
    const options = { folder, rounds, progress: (text: string) => progress(`Node ${major}, ${text}`), execPath };
    const medians = Object.entries<number[]>(run(options, stub, scripts)).map(([name, times]) => [name, median(times)]);
    figures[major] = roundedAll(Object.fromEntries(medians)) as unknown as ColdStart;
  }
  return figures;
}

function cachedEntry(bundle: string, cache: string): string {
  return `require("node:module").enableCompileCache(${JSON.stringify(cache)}); require(${JSON.stringify(bundle)});`;
}

/** Measures whole processes in turn, with warm disk caches. */
export async function measureLoad(options: LoadOptions): Promise<LoadFigures> {
  const { folder, progress } = options;
  const stub = write(folder, "core-stub.cjs", CORE_STUB);
  const empty = write(folder, "empty.cjs", "");
  const bundle = join(ROOT, "dist/api/main.cjs");
  progress("compiling");
  const scripts = { empty, bundle, unbundled: await compileFileByFile(folder) };
  const processes = timesOf(run(options, stub, scripts));
  const dependencies = await bundleDependencies(folder);
  return {
    processes,
    dependencies: over("empty", timesOf(run(options, stub, { empty, ...dependencies }))),
    bundleBytes: statSync(bundle).size,
  };
}

function run<Name extends string>(
  { rounds, progress, execPath = process.execPath }: LoadOptions & { readonly execPath?: string },
  stub: string,
  scripts: Readonly<Record<Name, string>>,
): Record<Name, number[]> {
  const entries = Object.entries<string>(scripts) as [Name, string][];
  const samples = Object.fromEntries(entries.map(([name]) => [name, [] as number[]])) as Record<Name, number[]>;
  for (const [, script] of entries) timeOf(execPath, stub, script);
  for (let round = 1; round <= rounds; round += 1) {
    progress(`round ${round} of ${rounds}: ${entries.map(([name]) => name).join(", ")}`);
    for (const [name, script] of entries) samples[name].push(timeOf(execPath, stub, script));
  }
  return samples;
}

function timeOf(execPath: string, stub: string, script: string): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(execPath, ["--require", stub, script], {
    env: APP_ENVIRONMENT,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 20_000,
  });
  const time = performance.now() - start;
  if (status !== 0 || stderr.length > 0) throw new Error(`${script} ended with ${status}: ${stderr}`);
  return time;
}

/**
 * Compiles `src/` as a build without bundling does: one CommonJS file for each source file, dependencies in
 * node_modules. Returns the entry file.
 */
async function compileFileByFile(folder: string): Promise<string> {
  const outdir = join(folder, "unbundled");
  const source = join(ROOT, "src");
  const names = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => /(?<!\.d)\.ts$/.test(name));
  const sharedCache = compileSharedCache(outdir);
  const document = await compileDocument(outdir);
  for (const name of names) {
    const { code } = transformSync(readFileSync(join(source, name), "utf8"), {
      loader: "ts",
      format: "cjs",
      platform: "node",
      target: "node20",
    });
    const file = join(outdir, name.replace(/\.ts$/, ".js"));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(
      file,
      code
        .replaceAll(/require\("(\.[^"]+)"\)/g, (_, path: string) =>
          requireOf(path, join(source, dirname(name)), outdir),
        )
        .replaceAll('require("shared-token-cache")', `require(${JSON.stringify(sharedCache)})`)
        .replaceAll('require("virtual:openapi")', `require(${JSON.stringify(document)})`),
    );
  }
  const functions = names.filter((name) => name.startsWith("functions")).sort();
  const requires = functions.map((name) => `require("./${name.replace(/\.ts$/, ".js")}");`);
  return write(outdir, "main.cjs", requires.join("\n"));
}

/** Compiles `shared-token-cache`, which is published as TypeScript. Returns its entry file. */
function compileSharedCache(folder: string): string {
  const outfile = join(folder, "shared-token-cache.cjs");
  const entryPoints = [join(ROOT, "packages/shared-token-cache/src/index.ts")];
  buildSync({ entryPoints, outfile, bundle: true, packages: "external", platform: "node", format: "cjs" });
  return outfile;
}

/** Compiles the OpenAPI document that the build makes from the app's routes. Returns its file. */
async function compileDocument(folder: string): Promise<string> {
  const outfile = join(folder, "openapi.cjs");
  const stdin = { contents: 'export { default } from "virtual:openapi";', resolveDir: ROOT };
  await build({ stdin, outfile, bundle: true, format: "cjs", plugins: [documentImport(ROOT)] });
  return outfile;
}

/**
 * Returns the `require` for an import: a compiled file for TypeScript, a module with the value for JSON, with the text
 * for a page.
 */
function requireOf(path: string, folder: string, outdir: string): string {
  if (path.endsWith(".ts")) return `require("${path.replace(/\.ts$/, ".js")}")`;
  const source = join(folder, path);
  const page = join(outdir, "pages", `${relative(ROOT, source)}.js`);
  mkdirSync(dirname(page), { recursive: true });
  const text = readFileSync(source, "utf8");
  writeFileSync(page, `module.exports = ${path.endsWith(".json") ? text : JSON.stringify(text)};`);
  return `require(${JSON.stringify(page)})`;
}

async function bundleDependencies(folder: string): Promise<Record<string, string>> {
  const bundles: Record<string, string> = {};
  for (const [name, imports] of Object.entries(DEPENDENCIES)) {
    const outfile = join(folder, `dependency-${name.replaceAll(/\W+/g, "-")}.cjs`);
    await bundleText(`const keep = (...values) => { globalThis.kept = values; };\n${imports}`, outfile);
    bundles[name] = outfile;
  }
  return bundles;
}

function timesOf<Name extends string>(samples: Readonly<Record<Name, number[]>>): Record<Name, Times> {
  const entries = Object.entries<number[]>(samples).map(([name, times]) => [
    name,
    { median: median(times), min: Math.min(...times) },
  ]);
  return Object.fromEntries(entries) as Record<Name, Times>;
}

function over(base: string, times: Readonly<Record<string, Times>>): Record<string, Times> {
  const ground = times[base] ?? { median: 0, min: 0 };
  const others = Object.entries(times).filter(([name]) => name !== base);
  return Object.fromEntries(
    others.map(([name, { median: middle, min }]) => [name, { median: middle - ground.median, min: min - ground.min }]),
  );
}

function write(folder: string, name: string, contents: string): string {
  const file = join(folder, name);
  writeFileSync(file, contents);
  return file;
}
