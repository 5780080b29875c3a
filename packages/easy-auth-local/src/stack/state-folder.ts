import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const NAME = ".easy-auth-local";

/** Makes the folder that keeps signing keys and certificate between starts, which git ignores by itself. Returns its path. */
export function makeStateFolder(parent: string): string {
  const folder = resolve(parent, NAME);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".gitignore"), "*\n");
  return folder;
}
