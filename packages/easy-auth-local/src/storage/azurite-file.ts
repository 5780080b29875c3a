import { createRequire } from "node:module";
import { join } from "node:path";

/** Returns the path of a file of Azurite's Blob service: of the app's own Azurite, or of one beside this package. */
export function azuriteFile(name: string): string {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve(`azurite/dist/src/blob/${name}`);
    } catch {
      // Not there.
    }
  }
  throw new Error("Azurite is not installed. Install it beside easy-auth-local: npm install --save-dev azurite");
}
