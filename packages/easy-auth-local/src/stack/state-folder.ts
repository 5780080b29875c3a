import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const NAME = ".easy-auth-local";

/** Returns the path of the folder that keeps a stack's signing keys, certificate and addresses. Does not make it. */
export function stateFolderIn(parent: string): string {
  return resolve(parent, NAME);
}

/** Makes that folder, which git ignores by itself. Returns its path. Throws, saying what to do, where it cannot be written. */
export function makeStateFolder(parent: string): string {
  const folder = stateFolderIn(parent);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, ".gitignore"), "*\n");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code;
    throw new Error(`${folder} cannot be written (${why}): signing keys are kept there. Start in another folder.`, {
      cause,
    });
  }
  return folder;
}
