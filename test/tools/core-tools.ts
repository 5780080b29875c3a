import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

// Rules of Azure Functions Core Tools 4.14, each with the file below src/Cli/func of
// https://github.com/Azure/azure-functions-core-tools/tree/3ee97a6337055edd6afe48f9a51786a09772f427 that it was read in.

/** Common/FileSystemHelpers.cs, GetLocalFiles: left out at any depth, whatever their capitals. */
const LEFT_FOLDERS = [".git", ".vscode"];
const LEFT_FILES = [".funcignore", ".gitignore", "local.settings.json", "project.lock.json"];

export interface FuncCommand {
  /** Where the command is run. */
  readonly folder: string;
  /** `--script-root`, relative to the folder. */
  readonly scriptRoot?: string;
}

/**
 * Returns the files that `func azure functionapp publish --no-build --javascript` and `func pack --no-build` put in the zip,
 * sorted. The other flags change nothing for Node. Throws where Core Tools ends with an error.
 */
export function filesOfFunc({ folder, scriptRoot = "." }: FuncCommand): readonly string[] {
  const root = functionAppRoot(scriptRootOf(folder, scriptRoot));
  const accepts = acceptedBy(root);
  const files = filesBelow(root).map((path) => relative(root, path).replaceAll(sep, "/"));
  return files.filter(accepts).sort();
}

/** ConsoleApp.cs, UpdateCurrentDirectory: `--script-root` becomes the working folder, and has to exist. */
function scriptRootOf(folder: string, scriptRoot: string): string {
  const path = resolve(folder, scriptRoot);
  if (!existsSync(path)) throw new Error(`"${path}" doesn't exist.`);
  return path;
}

/** Helpers/ScriptHostHelpers.cs, GetFunctionAppRootDirectory: the folder itself or the nearest above it with a host.json. */
function functionAppRoot(folder: string): string {
  if (existsSync(join(folder, "host.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder)
    throw new Error("Unable to find project root. Expecting to find one of host.json in project root.");
  return functionAppRoot(parent);
}

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const isLeft = (names: readonly string[], name: string) => names.includes(name.toLowerCase());
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return isLeft(LEFT_FOLDERS, entry.name) ? [] : filesBelow(path);
    return isLeft(LEFT_FILES, entry.name) ? [] : [path];
  });
}

function acceptedBy(root: string): (path: string) => boolean {
  const file = join(root, ".funcignore");
  return existsSync(file) ? ignoreRules(readFileSync(file, "utf8")) : () => true;
}

/**
 * Returns whether a path is sent, by Common/GitIgnoreParser.cs, Accepts. It is not gitignore: a pattern matches from the
 * start of the path alone, up to a word boundary; `/` at its start means nothing; the order means nothing, and a pattern with
 * `!` that matches wins over all others.
 */
export function ignoreRules(text: string): (path: string) => boolean {
  const lines = text.split("\n").map((line) => line.trim());
  const patterns = lines.filter((line) => line !== "" && !line.startsWith("#"));
  const ignored = matching(patterns.filter((line) => !line.startsWith("!")));
  const kept = matching(patterns.filter((line) => line.startsWith("!")).map((line) => line.slice(1)));
  return (path) => kept(path) || !ignored(path);
}

function matching(patterns: readonly string[]): (path: string) => boolean {
  if (patterns.length === 0) return () => false;
  const sources = patterns.map((pattern) =>
    pattern
      .replace(/^\//, "")
      .replace(/[-[\]/{}()+?.\\^$|]/g, "\\$&")
      .replaceAll("**", "(.+)")
      .replaceAll("*", "([^\\/]+)"),
  );
  const expression = new RegExp(`^((${sources.join(")|(")}))\\b`);
  return (path) => expression.test(path);
}
