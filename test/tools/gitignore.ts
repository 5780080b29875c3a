import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Returns whether git ignores a path, by the patterns of a .gitignore beside it. A folder's path ends in a slash. */
export function gitIgnores(patterns: string, path: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), "gitignore-"));
  try {
    execFileSync("git", ["init", "--quiet", folder]);
    writeFileSync(join(folder, ".gitignore"), patterns);
    const { status } = spawnSync("git", ["check-ignore", "--no-index", "--quiet", path], { cwd: folder });
    return status === 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
