import { existsSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../configuration/json-file.ts";

interface LocalSettings {
  readonly IsEncrypted?: boolean;
  readonly Values?: Readonly<Record<string, unknown>>;
}

/**
 * Throws for a local.settings.json that `func start` cannot use, all problems at once. Values there lose against the
 * environment, of which `func` prints a yellow line each; that is no problem.
 *
 * Source: AppSettingsFile.cs and StartHostAction.cs in Azure/azure-functions-core-tools, 4.14.
 */
export function refuseUnusableSettings(appRoot: string): void {
  const file = join(appRoot, "local.settings.json");
  if (!existsSync(file)) return;
  const { IsEncrypted, Values = {} } = readJson<LocalSettings>(file);
  const problems = [
    IsEncrypted !== false &&
      'It lacks "IsEncrypted": false, so func takes its values for encrypted. Add it, or run `func settings decrypt`.',
    "WEBSITE_HOSTNAME" in Values && "It sets WEBSITE_HOSTNAME, which func sets itself and then crashes. Remove it.",
  ].filter((problem) => problem !== false);
  if (problems.length > 0)
    throw new Error(`${file} cannot be used by func:\n${problems.map((one) => `  - ${one}`).join("\n")}`);
}
