import { dirname, resolve } from "node:path";
import { stateFolderIn } from "../stack/state-folder.ts";
import { type CommandLine, parseCommandLine, UsageError, usage } from "./command-line.ts";
import { environmentLines } from "./env.ts";
import { findRunningStack } from "./running-stack.ts";

async function run(commandLine: CommandLine): Promise<void> {
  const { help, command, account, entra, config } = commandLine;
  if (help) return console.log(usage());
  if (command === undefined) {
    // Other commands need nothing of the stack, which takes longer to load than they to run.
    const { startAndWait } = await import("./start.ts");
    return startAndWait(commandLine);
  }
  const folder = config === undefined ? process.cwd() : dirname(resolve(config));
  const running = () => findRunningStack(stateFolderIn(folder));
  if (command === "env") process.stdout.write(environmentLines(running()));
  else {
    const { fetchToken } = await import("./token.ts");
    process.stdout.write(`${await fetchToken(account, entra ?? running().entraUrl)}\n`);
  }
}

try {
  await run(parseCommandLine(process.argv.slice(2)));
  process.exit(0);
} catch (error) {
  console.error(`\n${(error as Error).message}`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
