import { once } from "node:events";
import { build } from "../../../../scripts/build.ts";
import { readLocalSettings } from "../configuration/local-settings.ts";
import { describeFunctions, formatLog } from "../functions-host/console-log.ts";
import type { HostLog } from "../functions-host/host.ts";
import type { RunningApps } from "../stack/apps.ts";
import { MISCONFIGURATIONS, type MisconfigurationName } from "../stack/misconfigurations.ts";
import { FREE_PORTS, type Stack, type StackPorts, startStack } from "../stack/stack.ts";
import { startTenantStack, type TenantStack } from "../stack/tenant-stack.ts";
import { SAMPLE_FILES } from "../storage/sample-files.ts";
import type { Hop, Trace } from "../trace/hop.ts";
import { traceLines } from "../trace/terminal.ts";
import { type CommandLine, parseCommandLine, UsageError, usage } from "./command-line.ts";
import { watchSources } from "./watch.ts";

const PORTS: StackPorts = {
  frontend: 4280,
  api: 4281,
  entra: 4282,
  graph: 4283,
  functions: 7071,
  entraHttps: 4284,
  storage: 4285,
};

/** `npm start`: builds, starts everything, prints where it is, and ends all of it on Ctrl-C. */
async function main(commandLine: CommandLine): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopOrQuit(stopping));
  await build();
  const stack = await Promise.race([start(commandLine), untilAborted(stopping.signal)]);
  // What was started by then ends with the process.
  if (!stack) return;
  const watching = commandLine.watch ? await watchSources(stack, printWithTime) : undefined;
  console.log(stack.welcome);
  const why = await Promise.race([stack.ended, untilAborted(stopping.signal)]);
  watching?.close();
  await stack.close();
  if (why !== undefined) throw new Error(why);
}

/** The stack that was asked for, and what there is to say of it. */
async function start(
  commandLine: CommandLine,
): Promise<RunningApps & { readonly welcome: string; close(): Promise<void> }> {
  const { tenant, freePorts, trace, https, func, files, switches, misconfigure, cors } = commandLine;
  const ports = freePorts ? FREE_PORTS : PORTS;
  const both = { ports, func, switches, onLog: printLog, ...(cors !== undefined && { cors }) };
  if (tenant !== undefined) {
    const settings = await readLocalSettings(commandLine.settings);
    const stack = await startTenantStack({ tenant, settings, ...both });
    return { ...stack, welcome: welcomeToTenant(stack) };
  }
  const chosen = { ...(misconfigure !== undefined && { misconfigure }), ...(trace && { onTrace: printTrace }) };
  const stack = await startStack({ ...both, https, ...chosen, ...(files && { files: SAMPLE_FILES }) });
  return { ...stack, welcome: welcome(stack, misconfigure) };
}

async function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, "abort");
}

/** The first signal ends what runs; another one does not wait for it. */
function stopOrQuit(stopping: AbortController): void {
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
}

function welcome(stack: Stack, misconfigure: MisconfigurationName | undefined): string {
  const accounts = stack.directory.accounts.map(({ key, shows }) => `  ${key.padEnd(14)} ${shows}`);
  return `
Frontend, behind Easy Auth   ${stack.frontendUrl}
API, behind Easy Auth        ${stack.apiUrl}/api/profile
Entra ID emulator            ${[stack.entraUrl, stack.entraHttps?.url].filter(Boolean).join("  ")}
Microsoft Graph emulator     ${stack.graphUrl}
${stack.storage ? `Azure Storage emulator       ${stack.storage.accountUrl}/${stack.storage.container.containerName}\n` : ""}Functions host               ${stack.functions.url}
Trace of each request        ${stack.entraUrl}/trace

${listed(stack)}Accounts to sign in as:
${accounts.join("\n")}

Grant consent, revoke sessions, put the clock forward: ${stack.entraUrl}
${misconfigure === undefined ? "" : `\nMisconfigured, ${misconfigure}: ${MISCONFIGURATIONS[misconfigure].shows}\n`}
A token for curl: npm run --silent token -- [account]

Ready: open ${stack.frontendUrl} (Ctrl-C stops everything)`;
}

function welcomeToTenant(stack: TenantStack): string {
  return `
Frontend, behind Easy Auth   ${stack.frontendUrl}
API, behind Easy Auth        ${stack.apiUrl}/api/profile
Functions host               ${stack.functions.url}
Tenant                       ${stack.tenantId}, at the real Microsoft Entra ID and Graph

${listed(stack)}Ready: open ${stack.frontendUrl} (Ctrl-C stops everything)`;
}

/** The functions, as \`func start\` prints them; it does so itself. */
function listed({ functions }: RunningApps): string {
  return functions.functions.length > 0 ? `${describeFunctions(functions.url, functions.functions)}\n` : "";
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

try {
  const commandLine = parseCommandLine(process.argv.slice(2));
  if (commandLine.help) console.log(usage());
  else await main(commandLine);
  process.exit(0);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
