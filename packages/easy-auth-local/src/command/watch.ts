import { type FSWatcher, watch } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../../../../scripts/build.ts";
import { describeFunctions } from "../functions-host/console-log.ts";
import type { RunningApps } from "../stack/apps.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));
/** What `dist/` is built from. */
const SOURCES = ["src", "frontend", "docs"];
/** An editor writes several files at once, or one in several steps. */
const SETTLE_MS = 50;

export interface Watching {
  close(): void;
}

/**
 * Builds whenever a source changes, and serves what was built: the function app and the frontend's page. What does not
 * build or load leaves the stack as it is. The servers of frontend and emulators are not loaded anew.
 */
export async function watchSources(stack: RunningApps, print: (text: string) => void): Promise<Watching> {
  let timer: NodeJS.Timeout | undefined;
  let latest = Promise.resolve();
  let builds = true;
  const rebuild = async () => {
    try {
      const changed = await build();
      if (!builds) print("It builds again.");
      builds = true;
      await serve(changed, stack, print);
    } catch {
      // esbuild has printed why.
      builds = false;
      print("It does not build: what was built before goes on.");
    }
  };
  const folders = await watchFolders(() => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      latest = latest.then(rebuild);
    }, SETTLE_MS);
  });
  return {
    close: () => {
      clearTimeout(timer);
      folders.close();
    },
  };
}

async function serve(changed: readonly string[], stack: RunningApps, print: (text: string) => void): Promise<void> {
  if (changed.some((path) => path.startsWith("frontend/page/"))) {
    stack.reloadPage();
    print("The frontend's page is new: load it again in the browser.");
  }
  if (changed.includes("frontend/main.mjs")) print("The frontend's server is new: start again to see it.");
  if (!changed.includes("api/main.cjs")) return;
  const { functions } = stack;
  try {
    await functions.reload();
    print(`The function app is loaded anew. ${describeFunctions(functions.url, functions.functions)}`);
  } catch (error) {
    print(`What was built does not load, so the app from before goes on. ${(error as Error).message}`);
  }
}

/** Watches folders and not files: editors replace a file by another of its name. */
async function watchFolders(onChange: () => void): Promise<Watching> {
  const watched = new Map<string, FSWatcher>();
  const forget = (folder: string) => {
    watched.get(folder)?.close();
    watched.delete(folder);
  };
  const add = (folder: string) => {
    if (watched.has(folder)) return;
    const watcher = watch(folder, (event) => {
      // A new folder, perhaps, or one that is gone.
      if (event === "rename") addBelow(folder).catch(() => forget(folder));
      onChange();
    });
    watcher.on("error", () => forget(folder));
    watched.set(folder, watcher);
  };
  const addBelow = async (folder: string) => {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    add(folder);
    for (const entry of entries) if (entry.isDirectory()) add(join(entry.parentPath, entry.name));
  };
  for (const name of SOURCES) await addBelow(join(ROOT, name));
  return {
    close: () => {
      for (const watcher of watched.values()) watcher.close();
    },
  };
}
