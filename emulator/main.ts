import { once } from "node:events";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { describeFunctions, formatLog } from "./functions-host/console-log.ts";
import type { HostLog } from "./functions-host/host.ts";
import { FREE_PORTS, type Stack, type StackPorts, startStack } from "./stack.ts";
import type { Hop, Trace } from "./trace/hop.ts";
import { traceLines } from "./trace/terminal.ts";
import { watchSources } from "./watch.ts";

const PORTS: StackPorts = { frontend: 4280, api: 4281, entra: 4282, graph: 4283, functions: 7071 };

/** `npm start`: builds, starts everything, prints where it is, and ends all of it on Ctrl-C. */
async function main(): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopOrQuit(stopping));
  const { ports, trace, watch } = optionsFrom(process.argv.slice(2));
  await build();
  const stack = await startStack({ ports, onLog: printLog, ...(trace && { onTrace: printTrace }) });
  const watching = watch ? await watchSources(stack, printWithTime) : undefined;
  if (!stopping.signal.aborted) {
    console.log(welcome(stack));
    await once(stopping.signal, "abort");
  }
  watching?.close();
  await stack.close();
}

/** The first signal ends what runs; another one does not wait for it. */
function stopOrQuit(stopping: AbortController): void {
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
}

interface Options {
  /** The ports people know, or free ones with `--free-ports`, for when something else has to keep the others. */
  readonly ports: StackPorts;
  /** Whether each request is printed with all it led to. */
  readonly trace: boolean;
  /** Whether a change of the app's or the page's sources shows at once. */
  readonly watch: boolean;
}

function optionsFrom(args: readonly string[]): Options {
  const flag = { type: "boolean", default: false } as const;
  const { values } = parseArgs({ args: [...args], options: { "free-ports": flag, trace: flag, watch: flag } });
  return { ports: values["free-ports"] ? FREE_PORTS : PORTS, trace: values.trace, watch: values.watch };
}

function welcome(stack: Stack): string {
  const accounts = stack.directory.accounts.map(({ key, shows }) => `  ${key.padEnd(12)} ${shows}`);
  return `
Frontend, behind Easy Auth   ${stack.frontendUrl}
API, behind Easy Auth        ${stack.apiUrl}/api/profile
Entra ID emulator            ${stack.entraUrl}
Microsoft Graph emulator     ${stack.graphUrl}
Functions host               ${stack.functions.url}
Trace of each request        ${stack.entraUrl}/trace

${describeFunctions(stack.functions.url, stack.functions.functions)}
Accounts to sign in as:
${accounts.join("\n")}

A token for curl: npm run --silent token -- [account]

Ready: open ${stack.frontendUrl} (Ctrl-C stops everything)`;
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
  await main();
  process.exit(0);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(1);
}
