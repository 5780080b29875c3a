import { readFile } from "node:fs/promises";

/** The `Values` of a local.settings.json. Throws when it is not there, not JSON, or encrypted, saying what to do. */
export async function readLocalSettings(path: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new Error(`${path} is not there. Copy local.settings.example.json to it and put your own values in.`);
  });
  const { IsEncrypted, Values } = parse(text, path);
  if (IsEncrypted !== false) throw new Error(`${path} is encrypted, or lacks "IsEncrypted": false.`);
  return Values ?? {};
}

function parse(text: string, path: string): { IsEncrypted?: boolean; Values?: Record<string, string> } {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
}
