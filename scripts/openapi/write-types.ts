import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { readDocument } from "./read-document.ts";
import { TYPES_FILE, typesOf } from "./types.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

await writeFile(`${ROOT}${TYPES_FILE}`, await typesOf(await readDocument(ROOT)));
