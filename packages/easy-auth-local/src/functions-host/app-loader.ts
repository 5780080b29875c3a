import { readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { collectRegistration, type Registration } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";

/** What this host obeys of host.json; everything else there is for the real host. */
export interface HttpOptions {
  readonly routePrefix: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** How many functions run at a time; the others wait. */
  readonly maxConcurrentRequests: number;
  /** How many may run or wait. */
  readonly maxOutstandingRequests: number;
}

interface EntryPoint {
  /** As package.json spells it. */
  readonly main: string;
  readonly file: string;
  readonly isModule: boolean;
}

let loadCount = 0;

/**
 * Loads the app in `appRoot` (the file that package.json names as `main`) afresh and resolves to what it registered.
 * What the app reaches in node_modules is not loaded again, nor are the other files of an ES module app: an app that is
 * one bundle starts anew entirely. A pattern as `main`, which the real worker expands, is not supported.
 */
export async function loadApp(appRoot: string, log: LogHandler): Promise<Registration> {
  const root = realpathSync(appRoot);
  const entryPoint = readEntryPoint(root);
  let registration: Registration;
  try {
    registration = await collectRegistration(log, () => loadFile(root, entryPoint));
  } catch (cause) {
    throw new Error(`Could not load the entry point "${entryPoint.main}" of ${appRoot}: ${describe(cause)}`, { cause });
  }
  if (registration.functions.size === 0) {
    throw new Error(
      `The entry point "${entryPoint.main}" of ${appRoot} registered no function. Does it import the files that call ` +
        "app.http(...), and was @azure/functions first used in this process by the Functions host?",
    );
  }
  return registration;
}

/** Reads host.json. Its presence is what tells the real host and tools that a folder is a Functions app. */
export function readHttpOptions(appRoot: string): HttpOptions {
  const { extensions } = readJson<{ extensions?: { http?: Partial<HttpOptions> } }>(join(appRoot, "host.json"));
  const { routePrefix = "api", customHeaders = {}, ...limits } = extensions?.http ?? {};
  return {
    ...{ routePrefix, customHeaders },
    maxConcurrentRequests: limitOf(limits.maxConcurrentRequests),
    maxOutstandingRequests: limitOf(limits.maxOutstandingRequests),
  };
}

/** -1, the default outside of the Consumption plan, is no limit. */
function limitOf(value = -1): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

function readEntryPoint(root: string): EntryPoint {
  const packageJson = join(root, "package.json");
  const { main, type } = readJson<{ main?: string; type?: string }>(packageJson);
  if (!main) throw new Error(`${packageJson} has no "main": the Functions host does not know which file to load.`);
  const isModule = main.endsWith(".mjs") || (type === "module" && !main.endsWith(".cjs"));
  return { main, file: join(root, main), isModule };
}

async function loadFile(root: string, { file, isModule }: EntryPoint): Promise<void> {
  if (isModule) {
    loadCount += 1;
    await import(/* @vite-ignore */ `${pathToFileURL(file).href}?load=${loadCount}`);
    return;
  }
  const require = createRequire(file);
  for (const loaded of Object.keys(require.cache)) {
    const isBelowRoot = loaded.startsWith(root + sep);
    if (isBelowRoot && !loaded.slice(root.length).includes(`${sep}node_modules${sep}`)) delete require.cache[loaded];
  }
  require(file);
}

/** Does not check the shape: these are the developer's own files. */
function readJson<T>(file: string): T {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new Error(`Could not read ${file}: ${describe(cause)}`, { cause });
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
