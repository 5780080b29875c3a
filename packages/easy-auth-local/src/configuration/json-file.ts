import { readFileSync } from "node:fs";
import JSON5 from "json5";

/**
 * Reads a developer's file as Azure Functions and its tools read host.json and local.settings.json: JSON that may
 * have comments, commas at the end, and a byte order mark. Does not check its shape. Throws, naming the file.
 */
export function readJson<T>(file: string): T {
  try {
    return JSON5.parse(readFileSync(file, "utf8").replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new Error(`Could not read ${file}: ${(cause as Error).message.replace("JSON5: ", "")}`, { cause });
  }
}
