import { parseArgs } from "node:util";
import type { CorsSettings } from "../easy-auth/cors.ts";
import { parseSwitches, SWITCHES, type Switches } from "../easy-auth/switches.ts";
import { isMisconfigurationName, MISCONFIGURATIONS, type MisconfigurationName } from "../stack/misconfigurations.ts";

/** What `npm start -- …` was told. */
export interface CommandLine {
  readonly help: boolean;
  readonly freePorts: boolean;
  readonly trace: boolean;
  readonly watch: boolean;
  readonly https: boolean;
  readonly func: boolean;
  readonly files: boolean;
  /** Of the API's gate, when an origin was named. */
  readonly cors: CorsSettings | undefined;
  readonly misconfigure: MisconfigurationName | undefined;
  readonly switches: Partial<Switches>;
  readonly tenant: string | undefined;
  /** Path of the file of settings, for `--tenant`. */
  readonly settings: string;
}

/** Options that cannot be taken; the message says which and what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const FLAG = { type: "boolean", default: false } as const;
const VALUE = { type: "string" } as const;
const OPTIONS = {
  "free-ports": { ...FLAG, says: "take free ports instead of 4280 to 4283 and 7071" },
  trace: { ...FLAG, says: "print each request with all it led to" },
  watch: { ...FLAG, says: "serve each change of the functions or the page a moment later" },
  https: { ...FLAG, says: "let the Entra emulator listen with https too" },
  func: { ...FLAG, says: "run the app under func start (Azure Functions Core Tools) instead of the embedded host" },
  files: { ...FLAG, says: "let the API serve sample files from Azure Storage, by Azurite: GET /api/files" },
  cors: {
    ...({ type: "string", multiple: true, value: "<origin>" } as const),
    says: "let pages of that origin, such as http://localhost:5173, call the API; may be repeated",
  },
  misconfigure: { ...VALUE, value: "<name>", says: "set the apps up wrongly, to see how that fails:" },
  switch: {
    ...({ type: "string", multiple: true, value: "<name>=<answer>" } as const),
    says: "another answer to what is not known of Easy Auth than the first; may be repeated:",
  },
  tenant: {
    ...VALUE,
    value: "<id or domain>",
    says: "sign in at your own tenant and call the real Graph: docs/own-tenant.md",
  },
  settings: { ...VALUE, value: "<file>", says: "with --tenant: the file of settings, local.settings.json by default" },
  help: { ...FLAG, short: "h", says: "print this" },
} as const;
const ONLY_EMULATED = ["misconfigure", "https", "trace", "files"] as const;

/** Reads the command line. @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args);
  const { tenant, misconfigure } = values;
  if (misconfigure !== undefined && !isMisconfigurationName(misconfigure)) {
    const names = Object.keys(MISCONFIGURATIONS).join(", ");
    throw new UsageError(`--misconfigure does not know ${JSON.stringify(misconfigure)}. There are: ${names}.`);
  }
  const emulated = ONLY_EMULATED.find((name) => values[name]);
  if (tenant !== undefined && emulated) throw new UsageError(`--${emulated} is for the emulators, not for --tenant.`);
  if (tenant === "") throw new UsageError("--tenant needs the id or a domain of a tenant.");
  if (tenant === undefined && values.settings !== undefined) throw new UsageError("--settings is for --tenant.");
  const { "free-ports": freePorts, help, trace, watch, https, func, files, settings = "local.settings.json" } = values;
  const flags = { help, freePorts, trace, watch, https, func, files };
  const parsed = { cors: corsOf(values.cors ?? []), switches: parseAll(values.switch ?? []) };
  return { ...flags, ...parsed, misconfigure, tenant, settings };
}

/** Compared exactly later on, so that what is no origin would be no use, and nobody would know why. */
function corsOf(origins: readonly string[]): CorsSettings | undefined {
  const wrong = origins.find(
    (origin) => origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin),
  );
  if (wrong !== undefined) {
    throw new UsageError(
      `--cors: ${JSON.stringify(wrong)} is not an origin: scheme, host and port alone, such as http://localhost:5173.`,
    );
  }
  return origins.length > 0 ? { allowedOrigins: origins } : undefined;
}

function parseAll(pairs: readonly string[]): Partial<Switches> {
  try {
    return parseSwitches(pairs);
  } catch (error) {
    throw new UsageError(`--switch: ${(error as Error).message}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.replace(/\.?$/, ".")} npm start -- --help lists the options.`);
  }
}

/** All options, for people. */
export function usage(): string {
  const below: Readonly<Record<string, readonly string[]>> = {
    misconfigure: Object.entries(MISCONFIGURATIONS).map(([name, { shows }]) => line(`  ${name}`, shows)),
    switch: Object.entries(SWITCHES).map(([name, answers]) => line(`  ${name}`, answers.join(" | "))),
  };
  const lines = Object.entries(OPTIONS).flatMap(([name, option]) => [
    line(`--${name}${"value" in option ? ` ${option.value}` : ""}`, option.says),
    ...(below[name] ?? []),
  ]);
  return `npm start -- [options]\n\nStarts the local stack: Easy Auth, Entra ID, Graph and the Functions host.\n\n${lines.join("\n")}`;
}

function line(name: string, says: string): string {
  return `  ${name.padEnd(WIDTH)} ${says}`;
}

const WIDTH = 34;
