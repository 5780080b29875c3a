import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../configuration/json-file.ts";

/** App behind a gate, as its configuration names it. */
export type Target =
  | { readonly kind: "address"; readonly url: string }
  /** Folder with host.json: a Functions app. */
  | { readonly kind: "functions"; readonly folder: string }
  /** Folder whose package.json has a start script. */
  | { readonly kind: "web"; readonly folder: string; readonly command: string }
  /** Folder with index.html. */
  | { readonly kind: "static"; readonly folder: string };

/** Recognizes an app: an address, a port, or a folder by what it holds. Throws with the fix when it is none of them. */
export function targetOf(app: string | number): Target {
  const port = Number(app);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return { kind: "address", url: `http://localhost:${port}` };
  if (/^https?:/.test(String(app))) return { kind: "address", url: originOf(String(app)) };
  const folder = String(app);
  if (existsSync(join(folder, "host.json"))) return { kind: "functions", folder };
  const command = startScriptOf(folder);
  if (command !== undefined) return { kind: "web", folder, command };
  if (existsSync(join(folder, "index.html"))) return { kind: "static", folder };
  throw new Error(
    `${folder} is no app: it has no host.json, no package.json with a "start" script, and no index.html. ` +
      "Name another folder, or the app's port or address.",
  );
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url && url.href === `${url.origin}/`) return url.origin;
  throw new Error(
    `${address} is no address of an app. Use scheme, host and port alone, such as http://localhost:5173.`,
  );
}

function startScriptOf(folder: string): string | undefined {
  const file = join(folder, "package.json");
  if (!existsSync(file)) return undefined;
  return readJson<{ readonly scripts?: { readonly start?: string } }>(file).scripts?.start;
}
