import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Configuration } from "../configuration/configuration.ts";
import { readLocalSettings } from "../configuration/local-settings.ts";
import { isAddress } from "../configuration/problems.ts";
import { absolute, CONFIGURATION_FILE, readConfiguration } from "../configuration/read-configuration.ts";
import { formatLog } from "../functions-host/console-log.ts";
import type { HostLog } from "../functions-host/host.ts";
import { FREE_PORTS, startStack } from "../stack/stack.ts";
import { makeStateFolder } from "../stack/state-folder.ts";
import { startTenantStack } from "../stack/tenant-stack.ts";
import { SAMPLE_FILES } from "../storage/sample-files.ts";
import type { Hop, Trace } from "../trace/hop.ts";
import { traceLines } from "../trace/terminal.ts";
import { type CommandLine, UsageError } from "./command-line.ts";
import { watchParents } from "./parents.ts";
import { noteRunningStack } from "./running-stack.ts";
import { watchApps } from "./watch.ts";
import { welcome, welcomeToTenant } from "./welcome.ts";

const PORTS = {
  frontend: 4280,
  api: 4281,
  entra: 4282,
  graph: 4283,
  functions: 7071,
  entraHttps: 4284,
  storage: 4285,
  graphHttps: 4286,
};
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const LOOK_FOR_PARENTS_EVERY_MS = 2000;

/** Builds, starts everything, prints where it is, and ends all of it on Ctrl-C. */
export async function startAndWait(commandLine: CommandLine): Promise<void> {
  const stopping = new AbortController();
  for (const signal of SIGNALS) process.on(signal, () => stopOrQuit(stopping));
  stopWithParent(stopping);
  const { configuration, folder } = await configurationFor(commandLine);
  if (configuration.build) await build(configuration.build.command, folder);
  const stack = await Promise.race([start(commandLine, configuration, folder), untilAborted(stopping.signal)]);
  // Processes that were started by then end with this one.
  if (!stack) return;
  const watching = commandLine.watch
    ? await watchApps(stack.apps, buildFor(configuration, folder), printWithTime)
    : undefined;
  console.log(stack.welcome);
  const why = await Promise.race([stack.ended, untilAborted(stopping.signal)]);
  watching?.close();
  await stack.close();
  if (why !== undefined) throw new Error(why);
}

/** Reads the configuration file, if there is one, and puts the command line's options over it. */
async function configurationFor(commandLine: CommandLine): Promise<{ configuration: Configuration; folder: string }> {
  const { config, api, frontend, run } = commandLine;
  const file = config ?? (existsSync(CONFIGURATION_FILE) ? CONFIGURATION_FILE : undefined);
  const read = file === undefined ? {} : await readConfiguration(file);
  const app = api ?? (read.api?.app === undefined && existsSync("host.json") ? "." : undefined);
  const [first, ...more] = run;
  const named = {
    api: { ...read.api, ...(app !== undefined && { app: absolute(app, process.cwd()) }) },
    frontend: { ...read.frontend, ...(frontend !== undefined && { app: absolute(frontend, process.cwd()) }) },
  };
  if (more.length > 1)
    throw new UsageError("--run: one command for the API and one for the frontend; put others into a script.");
  const isApi =
    isAddress(named.api.app) &&
    (more.length > 0 || !isAddress(named.frontend.app) || (api !== undefined && frontend === undefined));
  if (first !== undefined && ![named.api.app, named.frontend.app].some(isAddress))
    throw new UsageError(
      "--run starts an app that is named by its port: --api <port> or --frontend <port> says which.",
    );
  const [forApi, forFrontend] = more.length > 0 ? [first, more[0]] : isApi ? [first] : [undefined, first];
  return {
    configuration: {
      ...read,
      api: { ...named.api, ...(forApi !== undefined && { run: forApi }) },
      frontend: { ...named.frontend, ...(forFrontend !== undefined && { run: forFrontend }) },
    },
    folder: file === undefined ? process.cwd() : dirname(resolve(file)),
  };
}

/** Starts the stack that was asked for, with the text that says where it is. */
async function start(commandLine: CommandLine, configuration: Configuration, folder: string) {
  const { tenant, freePorts, trace, https, func, files, sharedCache, misconfigure, cors, platform } = commandLine;
  const ports = freePorts ? FREE_PORTS : { ...PORTS, ...configuration.ports };
  const switches = { ...configuration.switches, ...commandLine.switches };
  const chosenHere = { ...(cors !== undefined && { cors }), ...(platform !== undefined && { platform }) };
  const both = { ...configuration, ports, func, switches, onLog: printLog, ...chosenHere };
  if (tenant !== undefined) {
    const { values: settings } = readLocalSettings(commandLine.settings);
    const stack = await startTenantStack({ ...both, tenant, settings });
    return { ...stack, welcome: welcomeToTenant(stack) };
  }
  const chosen = { ...(misconfigure !== undefined && { misconfigure }), ...(trace && { onTrace: printTrace }) };
  const stateFolder = makeStateFolder(folder);
  const stack = await startStack({
    ...both,
    https,
    stateFolder,
    ...chosen,
    sharedCache,
    ...(files && { files: SAMPLE_FILES }),
  });
  const { entraUrl, graphUrl, entraHttps, graphHttps, certificateFile } = stack;
  const forget = noteRunningStack(stateFolder, {
    ...{ entraUrl, graphUrl, certificateFile, services: stack.services },
    ...{ entraHttpsUrl: entraHttps?.url, graphHttpsUrl: graphHttps?.url },
  });
  const close = () => {
    forget();
    return stack.close();
  };
  return { ...stack, close, welcome: welcome(stack, misconfigure) };
}

/** Runs a build to its end; its output goes to this process's. Rejects when it fails. */
async function build(command: string, folder: string): Promise<void> {
  const child = spawn(command, { cwd: folder, shell: true, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`The build failed: ${command} (exit code ${code}).`);
}

function buildFor({ build: options }: Configuration, folder: string) {
  return options && { sources: options.sources ?? [], build: () => build(options.command, folder) };
}

async function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Stops the stack at the first signal; exits at once at the second. */
function stopOrQuit(stopping: AbortController): void {
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
}

/** Stops when npm or npx, which started this process, has ended: the terminal could not stop it any more. */
function stopWithParent(stopping: AbortController): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const areThere = watchParents();
  setInterval(() => areThere() || stopping.abort(), LOOK_FOR_PARENTS_EVERY_MS).unref();
}

function printLog(log: HostLog): void {
  const line = formatLog(log, new Date());
  if (line !== undefined) console.log(line);
}

function printWithTime(text: string): void {
  console.log(`[${new Date().toISOString()}] ${text}`);
}

function printTrace(trace: Trace, hops: readonly Hop[]): void {
  console.log(traceLines(trace, hops, Date.now()));
}
