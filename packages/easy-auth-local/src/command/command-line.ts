import { parseArgs } from "node:util";
import type { CorsSettings } from "../easy-auth/cors.ts";
import { PLATFORMS, type Platform } from "../easy-auth/platform.ts";
import { parseSwitches, SWITCHES, type Switches } from "../easy-auth/switches.ts";
import { isMisconfigurationName, MISCONFIGURATIONS, type MisconfigurationName } from "../stack/misconfigurations.ts";

/** Commands beside the one that starts the stack. */
const COMMANDS = ["env", "token"] as const;
export type CommandName = (typeof COMMANDS)[number];

/** Command line, checked. */
export interface CommandLine {
  /** Command to run; undefined starts the stack. */
  readonly command: CommandName | undefined;
  /** Key of the account, for `token`. */
  readonly account: string;
  /** Address of Entra, for `token`. */
  readonly entra: string | undefined;
  readonly help: boolean;
  readonly api: string | undefined;
  readonly frontend: string | undefined;
  /** Commands to start with the stack. */
  readonly run: readonly string[];
  /** Path of the configuration file, when one is named. */
  readonly config: string | undefined;
  readonly freePorts: boolean;
  readonly trace: boolean;
  readonly watch: boolean;
  readonly https: boolean;
  readonly func: boolean;
  readonly files: boolean;
  readonly sharedCache: boolean;
  /** CORS of the API's gate, when an origin is named. */
  readonly cors: CorsSettings | undefined;
  readonly misconfigure: MisconfigurationName | undefined;
  readonly platform: Platform | undefined;
  readonly switches: Partial<Switches>;
  readonly tenant: string | undefined;
  /** Path of the file of settings, for `--tenant`. */
  readonly settings: string;
}

/** Command line that cannot be used; the message says which option, and what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const FLAG = { type: "boolean", default: false } as const;
const VALUE = { type: "string" } as const;
const VALUES = { type: "string", multiple: true } as const;
const OPTIONS = {
  api: { ...VALUE, value: "<url|port|folder>", says: "put the API's gate in front of this app" },
  frontend: { ...VALUE, value: "<url|port|folder>", says: "put the frontend's gate in front of this app" },
  run: { ...VALUES, value: '"<command>"', says: "start this command, and end it with the stack; may be repeated" },
  config: {
    ...VALUE,
    value: "<file>",
    says: "read this configuration; easy-auth-local.json by default, if it is there",
  },
  "free-ports": { ...FLAG, says: "take free ports instead of 4280 to 4286 and 7071" },
  trace: { ...FLAG, says: "print each request with all it led to" },
  watch: { ...FLAG, says: "build again whenever a source changes, and serve the new build" },
  https: { ...FLAG, says: "open https listeners for the Entra and Graph emulators too" },
  func: {
    ...FLAG,
    says: "run a Functions app under func start (Azure Functions Core Tools), not in the embedded host",
  },
  files: { ...FLAG, says: "start an Azure Storage account with sample files; needs the npm package azurite" },
  "shared-cache": {
    ...FLAG,
    says: "start Azure Table storage, and name it to the API by SHARED_CACHE_URL; needs the npm package azurite",
  },
  cors: {
    ...VALUES,
    value: "<origin>",
    says: "let pages of that origin, such as http://localhost:5173, call the API; may be repeated",
  },
  misconfigure: { ...VALUE, value: "<name>", says: "make this mistake in the set-up, to see how it fails:" },
  platform: {
    ...VALUE,
    value: "<name>",
    says: `imitate Easy Auth of this service: ${PLATFORMS.join(" | ")}`,
  },
  switch: {
    ...{ ...VALUES, value: "<name>=<answer>" },
    says: "where Easy Auth is not documented: another answer than the first; may be repeated:",
  },
  tenant: { ...VALUE, value: "<id or domain>", says: "sign in at your own tenant and call the real Graph" },
  settings: { ...VALUE, value: "<file>", says: "with --tenant: the file of settings; local.settings.json by default" },
  entra: {
    ...VALUE,
    value: "<url>",
    says: "with token: address of the Entra emulator; that of the running stack by default",
  },
  help: { ...FLAG, short: "h", says: "print this" },
} as const;
const ONLY_EMULATED = ["misconfigure", "https", "trace", "files", "shared-cache"] as const;
const WIDTH = 34;

/** Reads the command line. @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args);
  const { tenant, misconfigure } = values;
  if (misconfigure !== undefined && !isMisconfigurationName(misconfigure)) {
    const names = Object.keys(MISCONFIGURATIONS).join(", ");
    throw new UsageError(`--misconfigure does not know ${JSON.stringify(misconfigure)}. There are: ${names}.`);
  }
  const emulated = ONLY_EMULATED.find((name) => values[name]);
  if (tenant !== undefined && emulated) throw new UsageError(`--${emulated} is for the emulators, not for --tenant.`);
  if (tenant === "") throw new UsageError("--tenant needs the id or a domain of a tenant.");
  if (tenant === undefined && values.settings !== undefined) throw new UsageError("--settings is for --tenant.");
  const {
    "free-ports": freePorts,
    "shared-cache": sharedCache,
    help,
    trace,
    watch,
    https,
    func,
    files,
    settings = "local.settings.json",
  } = values;
  return {
    ...commandOf(positionals),
    ...{ help, freePorts, trace, watch, https, func, files, sharedCache, misconfigure, tenant, settings },
    ...{
      api: values.api,
      frontend: values.frontend,
      run: values.run ?? [],
      config: values.config,
      entra: values.entra,
    },
    cors: corsOf(values.cors ?? []),
    platform: platformOf(values.platform),
    switches: parseAll(values.switch ?? []),
  };
}

function commandOf([name, account = "works", ...rest]: readonly string[]): Pick<CommandLine, "command" | "account"> {
  const command = COMMANDS.find((known) => known === name);
  if (name !== undefined && !command) {
    throw new UsageError(
      `There is no command ${JSON.stringify(name)}. There are: ${COMMANDS.join(", ")}; none starts the stack.`,
    );
  }
  if (rest.length > 0) throw new UsageError(`${name} does not take ${JSON.stringify(rest[0])}.`);
  return { command, account };
}

/** Refuses values that are not an origin: the gate compares exactly, so they would silently never match. */
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

function platformOf(name: string | undefined): Platform | undefined {
  const platform = PLATFORMS.find((known) => known === name);
  if (name === undefined || platform) return platform;
  throw new UsageError(`--platform does not know ${JSON.stringify(name)}. There are: ${PLATFORMS.join(", ")}.`);
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
    return parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: true });
  } catch (error) {
    throw new UsageError(
      `${(error as Error).message.replace(/(\. To specify .*)?\.?$/, ".")} --help lists the options.`,
    );
  }
}

/** Returns the description of all options, which `--help` prints. */
export function usage(): string {
  const below: Readonly<Record<string, readonly string[]>> = {
    misconfigure: Object.entries(MISCONFIGURATIONS).map(([name, { shows }]) => line(`  ${name}`, shows)),
    switch: Object.entries(SWITCHES).map(([name, answers]) => line(`  ${name}`, answers.join(" | "))),
  };
  const lines = Object.entries(OPTIONS).flatMap(([name, option]) => [
    line(`--${name}${"value" in option ? ` ${option.value}` : ""}`, option.says),
    ...(below[name] ?? []),
  ]);
  return `easy-auth-local [options]           starts the local stack: Easy Auth, Entra ID, Graph and the Functions host
easy-auth-local env                 prints the variables by which other processes reach the running stack
easy-auth-local token [account]     prints an access token for the API, the stack running

${lines.join("\n")}`;
}

function line(name: string, says: string): string {
  return `  ${name.padEnd(WIDTH)} ${says}`;
}
