import { type ChildProcess, spawn } from "node:child_process";
import { ROOT } from "./command.ts";
import { ENVIRONMENT } from "./exchange.ts";

const SCRIPT = `${ROOT}test/shared-cache/run-instance.mjs`;

/** Starts the built app as one instance of several, in a process of its own that the caller ends. */
export function launchInstance(microsoft: string, sharedCache: string): { child: ChildProcess; url: Promise<string> } {
  const settings = JSON.stringify({ ...ENVIRONMENT, SHARED_CACHE_URL: sharedCache });
  const args = [SCRIPT, microsoft, `${ROOT}dist/api`, settings];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  return { child, url: urlOf(child) };
}
async function urlOf({ stdout }: ChildProcess): Promise<string> {
  let output = "";
  for await (const chunk of stdout ?? []) {
    output += String(chunk);
    const url = /^Listening on (\S+)\n/m.exec(output)?.[1];
    if (url !== undefined) {
      stdout?.resume();
      return url;
    }
  }
  throw new Error("The instance ended before it listened.");
}
