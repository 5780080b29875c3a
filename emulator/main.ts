import { once } from "node:events";
import { parseArgs } from "node:util";
import { build } from "../scripts/build.ts";
import { describeFunctions, type HostLog } from "./functions-host/host.ts";
import { FREE_PORTS, type Stack, type StackPorts, startStack } from "./stack.ts";

const PORTS: StackPorts = { frontend: 4280, api: 4281, entra: 4282, graph: 4283, functions: 7071 };

/** `npm start`: builds, starts everything, prints where it is, and ends all of it on Ctrl-C. */
async function main(): Promise<void> {
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopOrQuit(stopping));
  const ports = portsFrom(process.argv.slice(2));
  await build();
  const stack = await startStack({ ports, onLog: printLog });
  if (!stopping.signal.aborted) {
    console.log(welcome(stack));
    await once(stopping.signal, "abort");
  }
  await stack.close();
}

/** The first signal ends what runs; another one does not wait for it. */
function stopOrQuit(stopping: AbortController): void {
  if (stopping.signal.aborted) process.exit(130);
  stopping.abort();
}

/** The ports people know, or free ones with `--free-ports`, for when something else has to keep the others. */
function portsFrom(args: readonly string[]): StackPorts {
  const { values } = parseArgs({ args: [...args], options: { "free-ports": { type: "boolean", default: false } } });
  return values["free-ports"] ? FREE_PORTS : PORTS;
}

function welcome(stack: Stack): string {
  const accounts = stack.directory.accounts.map(({ key, shows }) => `  ${key.padEnd(14)} ${shows}`);
  return `
Frontend, behind Easy Auth   ${stack.frontendUrl}
API, behind Easy Auth        ${stack.apiUrl}/api/profile
Entra ID emulator            ${stack.entraUrl}
Microsoft Graph emulator     ${stack.graphUrl}
Functions host               ${stack.functions.url}

${describeFunctions(stack.functions)}
Accounts to sign in as:
${accounts.join("\n")}

A token for curl: npm run --silent token -- [account]

Ready: open ${stack.frontendUrl} (Ctrl-C stops everything)`;
}

function printLog({ level, message, functionName, category }: HostLog): void {
  if (category === "System" && level !== "error" && level !== "warning" && !message.startsWith("Execut")) return;
  console.log(`[${new Date().toISOString()}] ${functionName ? `${functionName}: ` : ""}${message}`);
}

try {
  await main();
  process.exit(0);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(1);
}
