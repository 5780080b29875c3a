import { existsSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import globby from "globby";
import { readJson } from "../configuration/json-file.ts";
import { collectRegistered, type RegisteredApp } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import { registerModuleReload } from "./module-reload.ts";

interface PackageJson {
  readonly main?: string;
  readonly type?: string;
}

/**
 * Part of the path of each copy of the library, which is loaded again with the app, since it takes `app.setup` only once.
 */
const LIBRARY = `${sep}node_modules${sep}@azure${sep}functions${sep}`;

let loadCount = 0;

/**
 * Loads the app in `appRoot` afresh and resolves to what it registered: the files that the pattern `main` of
 * package.json names, found with the library and by the rules of the real worker
 * (https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/startApp.ts).
 *
 * A second load does not see changes in node_modules, but for @azure/functions itself.
 */
export async function loadApp(appRoot: string, log: LogHandler): Promise<RegisteredApp> {
  const root = realpathSync(appRoot);
  const packageJson = readPackageJson(root);
  let registration: RegisteredApp;
  let current = packageJson.main;
  try {
    registration = await collectRegistered(log, async () => {
      forget(root);
      loadCount += 1;
      for (const file of await findEntryPoints(root, packageJson.main)) {
        current = file;
        await loadFile(join(root, file), packageJson);
      }
    });
  } catch (cause) {
    throw new Error(`Could not load the entry point "${current}" of ${appRoot}: ${describe(cause)}`, { cause });
  }
  if (registration.functions.size === 0) {
    throw new Error(
      `The entry point "${packageJson.main}" of ${appRoot} registered no function. Does it import the files that call ` +
        "app.http(...), and was @azure/functions first used in this process by the Functions host?",
    );
  }
  return registration;
}

function readPackageJson(root: string): PackageJson & { readonly main: string } {
  const file = join(root, "package.json");
  if (!existsSync(file)) {
    throw new Error(
      `${root} has no package.json. The embedded host runs Node apps of the v4 model; --func runs any app.`,
    );
  }
  const { main, type } = readJson<PackageJson>(file);
  if (!main) throw new Error(`${file} has no "main", which names the files of an app of the v4 model.`);
  return { main, ...(type !== undefined && { type }) };
}

async function findEntryPoints(root: string, main: string): Promise<string[]> {
  const files = await globby(main, { cwd: root });
  if (files.length > 0) return files;
  const isPattern = globby.hasMagic(main, { cwd: root });
  throw new Error(`${isPattern ? "No file matches it" : "The file does not exist"}. Was the app built?`);
}

async function loadFile(file: string, { type }: PackageJson): Promise<void> {
  const isModule = file.endsWith(".mjs") || (type === "module" && !file.endsWith(".cjs"));
  if (!isModule) return void createRequire(file)(file);
  registerModuleReload();
  await import(/* @vite-ignore */ `${pathToFileURL(file).href}?load=${loadCount}`);
}

/** Drops the app's own CommonJS modules, and the library, from the cache. */
function forget(root: string): void {
  const { cache } = createRequire(import.meta.url);
  for (const loaded of Object.keys(cache)) {
    const isOwn = loaded.startsWith(root + sep) && !loaded.slice(root.length).includes(`${sep}node_modules${sep}`);
    if (isOwn || loaded.includes(LIBRARY)) delete cache[loaded];
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
