import { existsSync } from "node:fs";
import type http from "node:http";
import { join } from "node:path";
import type { AppConfiguration, Ports } from "../configuration/configuration.ts";
import type { AuthSettings } from "../easy-auth/auth-settings.ts";
import { startGate } from "../easy-auth/gate.ts";
import type { GateOptions } from "../easy-auth/gate-options.ts";
import { startFunc } from "../functions-host/func.ts";
import { refuseOldFunc } from "../functions-host/func-version.ts";
import { type FunctionsHost, type HostLog, startFunctionsHost } from "../functions-host/host.ts";
import { freePort, listenOnLoopback } from "../http/loopback-server.ts";
import type { Station } from "../trace/hop.ts";
import { type ChildApp, startChildApp, withPrograms } from "./child-app.ts";
import type { Closers } from "./closers.ts";
import { startStaticSite } from "./static-site.ts";
import { type Target, targetOf } from "./target.ts";

/** Makes an app's server in this process, told the addresses that its settings may name. */
export type ServerFactory = (addresses: Readonly<Record<string, string>>) => http.Server;

/** App and its gate, to be started. */
export interface AppOptions extends AppConfiguration {
  /** Name of the app in messages: "the API" or "the frontend". */
  readonly title: string;
  readonly auth: AuthSettings;
  /** App in this process, in place of `app`. */
  readonly server?: ServerFactory | undefined;
  /** App settings, which the app finds in its environment. */
  readonly appSettings: Readonly<Record<string, string>>;
  /** Environment of a process of its own, without the settings. */
  readonly environment: NodeJS.ProcessEnv;
  readonly stations: { readonly gate: Station; readonly app: Station };
  readonly gate: Pick<GateOptions, "switches" | "browserOrigin" | "onForward" | "platform" | "onError">;
  readonly port: number;
}

/** Parts of a stack that every app is started with. */
export interface AppSurroundings {
  readonly ports: Pick<Ports, "functions">;
  /** Whether Functions apps run under `func start`. Default: the embedded host. */
  readonly func: boolean;
  readonly addresses: Readonly<Record<string, string>>;
  readonly onServer: (server: http.Server, station: Station) => void;
  readonly onForward: (station: Station) => GateOptions["onForward"];
  readonly onLog: (log: HostLog) => void;
}

/** App behind its gate, running. */
export interface RunningApp {
  /** Address of the gate. */
  readonly url: string;
  /** Address of the app itself. */
  readonly appUrl: string;
  readonly isFunctionApp: boolean;
  /** Embedded host, when the app runs in it. */
  readonly functions: FunctionsHost | undefined;
  /** Restarts the app's own process; does nothing for an app without one. */
  restart(): Promise<void>;
  /** Folder whose files are the built app; undefined for an address. */
  readonly folder: string | undefined;
  /** Resolves with the reason when the app's process ends by itself. */
  readonly ended: Promise<string>;
}

interface Started {
  readonly url: string;
  readonly functions?: FunctionsHost;
  readonly restart?: () => Promise<void>;
  readonly ended?: Promise<string>;
  readonly isInProcess?: boolean;
  readonly isFunctionApp?: boolean;
  readonly folder?: string;
  close(): unknown;
}

/** Starts an app and its gate. The emulators that the app needs have to run. */
export async function startApp(options: AppOptions, around: AppSurroundings, closers: Closers): Promise<RunningApp> {
  const started = await closers.started(startItself(options, around));
  const { gate, auth, cors, port, stations, appSettings } = options;
  const { isFunctionApp = false } = started;
  const onForward = started.isInProcess ? gate.onForward : both(gate.onForward, around.onForward(stations.app));
  const listening = await closers.started(
    startGate({
      ...gate,
      name: stations.gate,
      isFunctionApp,
      ...(onForward && { onForward }),
      settings: auth,
      appSettings,
      upstream: started.url,
      port,
      ...(cors !== undefined && { cors }),
      onServer: (server) => around.onServer(server, stations.gate),
    }),
  );
  return {
    url: listening.url,
    appUrl: started.url,
    isFunctionApp,
    functions: started.functions,
    restart: started.restart ?? (async () => {}),
    folder: started.folder,
    ended: started.ended ?? new Promise<never>(() => {}),
  };
}

async function startItself(options: AppOptions, around: AppSurroundings): Promise<Started> {
  const { server, app = 0, stations, run } = options;
  const onServer = (created: http.Server) => around.onServer(created, stations.app);
  if (server) {
    const created = server(around.addresses);
    onServer(created);
    return { ...(await listenOnLoopback(created, 0)), isInProcess: true };
  }
  const target = targetOf(app);
  if (target.kind === "functions") return startFunctions(target.folder, options, around);
  if (target.kind === "static") {
    const site = await startStaticSite(target.folder, onServer);
    return { ...site, isInProcess: true, folder: target.folder };
  }
  if (target.kind === "web") return startWebApp(target, options);
  if (run === undefined) return { url: target.url, close: () => {} };
  const isFunctionApp = /\bfunc(\.\w+)?"? (host )?start\b/.test(run);
  if (isFunctionApp) await refuseOldFunc(withPrograms(options.environment, process.cwd()));
  return { ...(await startProcess({ command: run, folder: process.cwd(), url: target.url }, options)), isFunctionApp };
}

async function startFunctions(appRoot: string, options: AppOptions, around: AppSurroundings): Promise<Started> {
  const { environment, appSettings } = options;
  const { functions: port } = around.ports;
  if (around.func) {
    // Core Tools ask for it on the terminal when it is not set.
    const runtime = existsSync(join(appRoot, "package.json")) ? { FUNCTIONS_WORKER_RUNTIME: "node" } : {};
    const started = await startFunc({ appRoot, port, environment: { ...runtime, ...environment, ...appSettings } });
    return { ...started, isFunctionApp: true };
  }
  const onServer = (server: http.Server) => around.onServer(server, options.stations.app);
  const functions = await startFunctionsHost({ appRoot, port, settings: appSettings, onLog: around.onLog, onServer });
  return {
    url: functions.url,
    functions,
    isInProcess: true,
    isFunctionApp: true,
    folder: appRoot,
    close: () => functions.close(),
  };
}

/** Starts an app as App Service does: its start script, with the port to listen on. */
async function startWebApp({ folder, command }: Target & { kind: "web" }, options: AppOptions): Promise<Started> {
  const port = await freePort();
  const settings = { ...options.appSettings, ...prefixed(options), PORT: String(port) };
  const started = await startProcess(
    { command, folder, url: `http://localhost:${port}` },
    { ...options, appSettings: settings },
  );
  return { ...started, folder };
}

/**
 * Returns the settings under the names that App Service gives them besides:
 * https://learn.microsoft.com/azure/app-service/reference-app-settings#variable-prefixes
 */
function prefixed({ appSettings, gate: { platform } }: AppOptions): Readonly<Record<string, string>> {
  if (platform === "container-apps") return {};
  return Object.fromEntries(Object.entries(appSettings).map(([name, value]) => [`APPSETTING_${name}`, value]));
}

async function startProcess(
  command: { readonly command: string; readonly folder: string; readonly url: string },
  { title, environment, appSettings }: AppOptions,
): Promise<Started> {
  const processEnvironment = { ...environment, ...appSettings };
  let tellEnd: (why: string) => void;
  const ended = new Promise<string>((resolve) => {
    tellEnd = resolve;
  });
  const start = async () => {
    const child = await startChildApp({ ...command, name: title, environment: processEnvironment });
    void child.ended.then((why) => {
      if (current === child) tellEnd(why);
    });
    return child;
  };
  let current: ChildApp | undefined = await start();
  const restart = async () => {
    const previous = current;
    current = undefined;
    await previous?.close();
    current = await start();
  };
  return { url: command.url, ended, restart, close: () => current?.close() };
}

function both(first: GateOptions["onForward"], second: GateOptions["onForward"]): GateOptions["onForward"] {
  if (!first || !second) return first ?? second;
  return (outgoing, request) => {
    first(outgoing, request);
    second(outgoing, request);
  };
}
