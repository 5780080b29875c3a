import { freePort } from "../http/loopback-server.ts";
import { type ChildApp, startChildApp, withPrograms } from "../stack/child-app.ts";
import { refuseUnusableSettings } from "./func-settings.ts";
import { refuseOldFunc } from "./func-version.ts";

export interface FuncOptions {
  /** Folder with host.json. */
  readonly appRoot: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Environment of the app; it wins over local.settings.json, which `func` reads too. */
  readonly environment: NodeJS.ProcessEnv;
}

const NOT_FOUND =
  "func was not found, neither on PATH nor in node_modules/.bin. Install Azure Functions Core Tools " +
  "(npm install --global azure-functions-core-tools@4), or start without --func: the embedded host needs nothing.";
/** A shell's exit code for a program that is not there. */
const NO_SUCH_PROGRAM = "func ended (exit code 127)";

/**
 * Starts the app under Azure Functions Core Tools, from PATH or node_modules, and resolves when it answers: it prints what it
 * serves itself, and notices a new build itself. Rejects when it is not there, is older than 4.14, cannot use
 * local.settings.json, ends, or takes more than two minutes.
 */
export async function startFunc({ appRoot, port, environment }: FuncOptions): Promise<ChildApp> {
  refuseUnusableSettings(appRoot);
  await refuseOldFunc(withPrograms(environment, appRoot));
  const actualPort = port === 0 ? await freePort() : port;
  // The address is explicit: `LocalHttpAddress` of local.settings.json would open the host to the network.
  const command = `func start --port ${actualPort} --address 127.0.0.1`;
  const url = `http://localhost:${actualPort}`;
  // While it starts, func answers 503.
  const isUp = (status: number) => status < 500;
  return startChildApp({ name: "func", command, folder: appRoot, environment, url, isUp }).catch((error: Error) => {
    throw error.message.startsWith(NO_SUCH_PROGRAM) ? new Error(NOT_FOUND, { cause: error }) : error;
  });
}
