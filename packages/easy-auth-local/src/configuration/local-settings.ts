import { existsSync } from "node:fs";
import type { CorsSettings } from "../easy-auth/cors.ts";
import { readJson } from "./json-file.ts";

/** Contents of an app's local.settings.json, as `func` understands it. */
export interface LocalSettings {
  readonly values: Readonly<Record<string, string>>;
  /** `Host.CORS`; undefined without it. */
  readonly cors: CorsSettings | undefined;
}

interface LocalSettingsFile {
  readonly IsEncrypted?: unknown;
  readonly Values?: Readonly<Record<string, unknown>> | null;
  readonly Host?: { readonly CORS?: string; readonly CORSCredentials?: boolean } | null;
}

/** Reads a local.settings.json. Throws when it is not there or cannot be used, with all that is wrong and what to do. */
export function readLocalSettings(path: string): LocalSettings {
  if (!existsSync(path)) {
    throw new Error(`${path} is not there. Copy local.settings.example.json to it and put your own values in.`);
  }
  const { IsEncrypted, Values, Host } = readJson<LocalSettingsFile>(path) ?? {};
  const entries = Object.entries(Values ?? {}).filter(([, value]) => value !== null);
  const problems = [
    ...(IsEncrypted === false
      ? []
      : ['It lacks "IsEncrypted": false, so its values count as encrypted. Add it, or run `func settings decrypt`.']),
    ...entries
      .filter(([, value]) => typeof value === "object")
      .map(
        ([name]) =>
          `Values.${name} is an object or a list. Use text: with quotes escaped, or with names such as ${name}__member.`,
      ),
  ];
  if (problems.length > 0) {
    throw new Error(`${path} needs attention:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
  return {
    values: Object.fromEntries(entries.map(([name, value]) => [name, String(value)])),
    cors: corsOf(Host ?? {}),
  };
}

/** Reads CORS as `func start` does: origins separated by commas. */
function corsOf({ CORS, CORSCredentials = false }: NonNullable<LocalSettingsFile["Host"]>): CorsSettings | undefined {
  const allowedOrigins = (CORS ?? "")
    .split(",")
    .map((origin) => origin.trim().replace(/\/$/, ""))
    .filter((origin) => origin !== "");
  return allowedOrigins.length > 0 ? { allowedOrigins, supportCredentials: CORSCredentials } : undefined;
}
