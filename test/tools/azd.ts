import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { gitIgnores } from "./gitignore.ts";

// Rules of the Azure Developer CLI (azd) 1.31.2, each with the file below cli/azd/pkg of
// https://github.com/Azure/azure-dev/tree/ae35809f496491989273d0edefdeb70f245f399b that it was read in.

/** A service of azure.yaml whose language is js or ts. */
export interface NodeService {
  readonly project: string;
  readonly host: "function" | "appservice";
  readonly remoteBuild?: boolean;
  readonly dist?: string;
}

/** Ignore file by kind of host: project/service_target.go, IgnoreFile. */
const IGNORE_FILE = { function: ".funcignore", appservice: ".webappignore" };

/**
 * Returns whether Azure is asked to build, on Flex Consumption. Throws the error with which azd ends, after
 * provisioning, if `remoteBuild` and the ignore file conflict: project/service_target_functionapp.go,
 * resolveFunctionAppRemoteBuild.
 */
export function remoteBuildOf(root: string, { project, remoteBuild }: NodeService): boolean {
  const ignoreFile = join(root, project, IGNORE_FILE.function);
  if (!existsSync(ignoreFile)) return remoteBuild ?? true;
  const excludes = gitIgnores(readFileSync(ignoreFile, "utf8"), "node_modules/");
  if (remoteBuild === true && !excludes)
    throw new Error("'remoteBuild: true' requires '.funcignore' to exclude node_modules");
  if (remoteBuild === false && excludes) {
    throw new Error("'remoteBuild: false' cannot be used when '.funcignore' excludes node_modules");
  }
  return remoteBuild ?? excludes;
}

/**
 * Returns the files that azd puts in a service's zip, sorted: project/project_utils.go, createDeployableZip. It reads no
 * .gitignore. Before, azd runs `npm install` and `npm run build --if-present` in the folder: project/framework_service_node.go.
 */
export function filesOfAzd(root: string, service: NodeService): readonly string[] {
  const { project, host, remoteBuild, dist = "" } = service;
  const folder = join(root, project, dist);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.length === 0) throw new Error(`package source '${folder}' is empty or does not exist`);
  const ignoreFile = join(folder, IGNORE_FILE[host]);
  const ignored = existsSync(ignoreFile) ? readFileSync(ignoreFile, "utf8") : undefined;
  const isSent = (path: string, isFolder: boolean): boolean => {
    const name = path.split("/").at(-1) ?? "";
    if (name === (isFolder ? ".azure" : IGNORE_FILE[host])) return false;
    if (host === "function" && name === "local.settings.json" && !isFolder) return false;
    if (ignored !== undefined) return !gitIgnores(ignored, isFolder ? `${path}/` : path);
    return !(name === "node_modules" && isFolder) || remoteBuild === false;
  };
  return [...filesBelow(folder, folder, isSent)].sort();
}

/** Returns the files below a folder as in rzip/rzip.go, addDir: an excluded folder is not searched; links are followed. */
function filesBelow(
  folder: string,
  root: string,
  isSent: (path: string, isFolder: boolean) => boolean,
): readonly string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    const isFolder = (lstatSync(path).isSymbolicLink() ? statSync(path) : lstatSync(path)).isDirectory();
    const shown = relative(root, path).replaceAll(sep, "/");
    if (!isSent(shown, isFolder)) return [];
    return isFolder ? filesBelow(path, root, isSent) : [shown];
  });
}
