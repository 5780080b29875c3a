import { createRequire } from "node:module";
import { join } from "node:path";

/** Returns the path of a file of one of Azurite's services: of the app's own Azurite, or of one beside this package. */
export function azuriteFile(name: string, service: "blob" | "table" = "blob"): string {
  for (const from of [join(process.cwd(), "package.json"), import.meta.url]) {
    try {
      return createRequire(from).resolve(`azurite/dist/src/${service}/${name}`);
    } catch {
      // Not installed there.
    }
  }
  throw new Error("Azurite is not installed. Install it beside easy-auth-local: npm install --save-dev azurite");
}
