import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

// Rules of Azure Functions Core Tools 4.14, each with the file below src/Cli/func of
// https://github.com/Azure/azure-functions-core-tools/tree/3ee97a6337055edd6afe48f9a51786a09772f427 that it was read in.

/** Folders left out at any depth, in any letter case: Common/FileSystemHelpers.cs, GetLocalFiles. */
const LEFT_FOLDERS = [".git", ".vscode"];
const LEFT_FILES = [".funcignore", ".gitignore", "local.settings.json", "project.lock.json"];

export interface FuncCommand {
  /** Folder where the command is run. */
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

/** Returns the working folder, which is `--script-root` and has to exist: ConsoleApp.cs, UpdateCurrentDirectory. */
function scriptRootOf(folder: string, scriptRoot: string): string {
  const path = resolve(folder, scriptRoot);
  if (!existsSync(path)) throw new Error(`"${path}" doesn't exist.`);
  return path;
}

/**
 * Returns the folder or the nearest one above it with a host.json: Helpers/ScriptHostHelpers.cs,
 * GetFunctionAppRootDirectory.
 */
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
 * Returns a function that tells whether a path is sent, by Common/GitIgnoreParser.cs, Accepts. It is not gitignore: a
 * pattern matches only from the start of the path, up to a word boundary; `/` at its start and the order of patterns
 * have no meaning, and a matching pattern with `!` overrides all others.
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
