import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import openapiTypes, { astToString } from "openapi-typescript";
import { readDocument } from "./read-document.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** In the folder that other pages copy. */
const FILE = "frontend/page/client/api.d.ts";

/** Writes the types of the API's OpenAPI document: a declaration file with `paths` and `components`. */
async function main(): Promise<void> {
  try {
    const types = await openapiTypes(await readDocument(ROOT), { immutable: true });
    await writeFile(
      `${ROOT}${FILE}`,
      `// Made by "npm run typecheck" from what the endpoints declare.\n\n${astToString(types)}`,
    );
  } catch (error) {
    console.warn(`${FILE} is not written anew, for the app could not be loaded: ${String(error)}`);
  }
}

await main();
