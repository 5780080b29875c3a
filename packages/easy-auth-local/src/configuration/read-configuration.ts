import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Configuration, RegistrationConfiguration } from "./configuration.ts";
import { isAddress, problemsOf } from "./problems.ts";

/** Default name of the configuration file. */
export const CONFIGURATION_FILE = "easy-auth-local.json";

/** Configuration that cannot be used. The message says all that is wrong in it, and how to fix it. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";

  constructor(path: string, problems: readonly string[]) {
    super(`${path} needs attention:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
  }
}

/**
 * Reads and checks a configuration file. Paths in it are relative to the file's folder, and absolute in the result.
 *
 * @throws ConfigurationError
 */
export async function readConfiguration(path: string): Promise<Configuration> {
  const value = withoutUnset(parse(path));
  const problems = await problemsOf(value);
  if (problems.length > 0) throw new ConfigurationError(path, problems);
  return withAbsolutePaths(value as Configuration, dirname(resolve(path)), path);
}

function parse(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigurationError(path, [
      `The file cannot be read: ${(cause as Error).message}. Name another with --config.`,
    ]);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigurationError(path, [`It is not JSON: ${(cause as Error).message}.`]);
  }
}

/** Removes null members of the gates' settings: `az webapp auth show` prints null for what is not set. */
function withoutUnset(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const configuration = { ...(value as Configuration) };
  for (const app of ["api", "frontend"] as const) {
    const { auth, ...others } = configuration[app] ?? {};
    if (auth) Object.assign(configuration, { [app]: { ...others, auth: JSON.parse(JSON.stringify(auth, dropNull)) } });
  }
  return configuration;
}

const dropNull = (_: string, value: unknown) => value ?? undefined;

function withAbsolutePaths(configuration: Configuration, folder: string, path: string): Configuration {
  const { api, frontend, registrations, build } = configuration;
  return {
    ...configuration,
    ...(api && { api: { ...api, ...(api.app !== undefined && { app: absolute(api.app, folder) }) } }),
    ...(frontend && {
      frontend: { ...frontend, ...(frontend.app !== undefined && { app: absolute(frontend.app, folder) }) },
    }),
    ...(registrations && { registrations: withFiles(registrations, folder, path) }),
    ...(build && { build: { ...build, sources: (build.sources ?? []).map((source) => resolve(folder, source)) } }),
  };
}

/** Makes the folder of an app absolute; addresses and ports stay. */
export function absolute(app: string | number, folder: string): string | number {
  return isAddress(app) ? app : resolve(folder, String(app));
}

/** Permissions in a file: a list, or lists by resource. */
type ScopeFile = readonly string[] | Readonly<Record<string, readonly string[]>>;

/** Replaces files in lists by what they hold: certificates in PEM, and permissions in a `.json` file. */
function withFiles(registrations: NonNullable<Configuration["registrations"]>, folder: string, path: string) {
  const problems: string[] = [];
  const read = (file: string): string => {
    try {
      return readFileSync(resolve(folder, file), "utf8");
    } catch (cause) {
      problems.push(`registrations: ${file} cannot be read: ${(cause as Error).message}.`);
      return "[]";
    }
  };
  const checked = (pem: string): string => {
    try {
      return new X509Certificate(pem).toString();
    } catch {
      problems.push(
        `registrations: ${JSON.stringify(pem.slice(0, 40))} is no certificate. Use one in PEM, or its file.`,
      );
      return pem;
    }
  };
  const entries = Object.entries(registrations).map(([name, one]): [string, RegistrationConfiguration] => {
    const { certificates, delegatedPermissions } = one;
    return [
      name,
      {
        ...one,
        ...(certificates && {
          certificates: certificates.map((pem) => (pem.includes("-----") ? pem : read(pem))).map(checked),
        }),
        ...(delegatedPermissions && {
          delegatedPermissions: delegatedPermissions.flatMap((scope) =>
            scope.endsWith(".json") ? Object.values(JSON.parse(read(scope)) as ScopeFile).flat() : [scope],
          ),
        }),
      },
    ];
  });
  if (problems.length > 0) throw new ConfigurationError(path, problems);
  return Object.fromEntries(entries);
}
