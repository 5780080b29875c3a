import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readJson } from "../configuration/json-file.ts";
import { describeFunctions } from "../functions-host/console-log.ts";
import type { RunningApp } from "../stack/apps.ts";

/** Wait after a change: editors write files in several steps. */
const SETTLE_MS = 50;
const IGNORED = new Set(["node_modules", ".git", ".easy-auth-local"]);

interface Watching {
  close(): void;
}

interface Apps {
  readonly api: RunningApp | undefined;
  readonly frontend: RunningApp | undefined;
}

interface Build {
  /** Folders of the sources. */
  readonly sources: readonly string[];
  readonly build: () => Promise<void>;
}

type Print = (text: string) => void;

/**
 * Builds whenever a source changes, and serves the new build: loads a Functions app again, restarts an app that has its
 * own process. What does not build or load leaves the stack as it is.
 */
export async function watchApps(apps: Apps, build: Build | undefined, print: Print): Promise<Watching> {
  const watching = await Promise.all([
    ...(build ? [watchFolders(build.sources, rebuilding(build, print))] : []),
    ...Object.entries(apps).flatMap(([name, app]: [string, RunningApp | undefined]) =>
      app?.folder === undefined ? [] : [watchFolders([builtFolder(app.folder)], serving(name, app, print))],
    ),
  ]);
  return { close: () => watching.map(({ close }) => close()) };
}

function rebuilding({ build }: Build, print: Print): () => Promise<void> {
  let builds = true;
  return async () => {
    try {
      await build();
      if (!builds) print("It builds again.");
      builds = true;
    } catch {
      // The build has printed why.
      builds = false;
      print("It does not build: what was built before goes on.");
    }
  };
}

function serving(name: string, app: RunningApp, print: Print): () => Promise<void> {
  return async () => {
    const { functions } = app;
    if (!functions) {
      await app.restart();
      return print(`The ${name} is new: load its page again in the browser.`);
    }
    try {
      await functions.reload();
      print(`The function app is loaded anew. ${describeFunctions(functions.url, functions.functions)}`);
    } catch (error) {
      print(`What was built does not load, so the app from before goes on. ${(error as Error).message}`);
    }
  };
}

/** Returns the folder of an app's built files: for a Functions app, that of its `main`. */
function builtFolder(folder: string): string {
  if (!existsSync(join(folder, "host.json"))) return folder;
  const { main = "" } = readJson<{ readonly main?: string }>(join(folder, "package.json"));
  const isPattern = /[*?{[]/.test(main);
  // A pattern names the functions alone, and the compiler writes what they import beside them.
  return join(folder, isPattern ? (main.split("/")[0] ?? "") : dirname(main));
}

/**
 * Calls `onChange`, one call at a time, a moment after something below the folders has changed. Watches folders, since
 * editors replace files.
 */
async function watchFolders(folders: readonly string[], onChange: () => Promise<void>): Promise<Watching> {
  const watched = new Map<string, FSWatcher>();
  let timer: NodeJS.Timeout | undefined;
  let latest = Promise.resolve();
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      latest = latest.then(onChange);
    }, SETTLE_MS);
  };
  const forget = (folder: string) => {
    watched.get(folder)?.close();
    watched.delete(folder);
  };
  const add = (folder: string) => {
    if (watched.has(folder) || !isFolder(folder)) return;
    const watcher = watch(folder, (event, name) => {
      if (name !== null && IGNORED.has(name)) return;
      // The folder may be new, or deleted.
      if (event === "rename") addBelow(folder).catch(() => forget(folder));
      changed();
    });
    watcher.on("error", () => forget(folder));
    watched.set(folder, watcher);
  };
  const addBelow = async (folder: string): Promise<void> => {
    add(folder);
    const entries = await readdir(folder, { withFileTypes: true });
    const below = entries.filter((entry) => entry.isDirectory() && !IGNORED.has(entry.name));
    await Promise.all(below.map(({ name }) => addBelow(join(folder, name)).catch(() => forget(join(folder, name)))));
  };
  for (const folder of folders) await addBelow(folder);
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watched.values()) watcher.close();
    },
  };
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
