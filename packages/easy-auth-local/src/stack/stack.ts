import { readLocalSettings } from "../configuration/local-settings.ts";
import { API, FRONTEND, type Registration, TENANT_ID } from "../directory/directory.ts";
import type { CorsSettings } from "../easy-auth/cors.ts";
import type { Switches } from "../easy-auth/switches.ts";
import type { HostLog } from "../functions-host/host.ts";
import { settingsFor } from "../storage/stack-storage.ts";
import { observe } from "../trace/observe.ts";
import { type Apps, CLIENT_SECRET_SETTING } from "./app-auth.ts";
import { type AppPorts, ROOT, type RunningApps, startApps } from "./apps.ts";
import { Closers } from "./closers.ts";
import { type EmulatorPorts, type Emulators, type EmulatorsOptions, startEmulators } from "./emulators.ts";
import {
  gateSettings,
  MISCONFIGURATIONS,
  type Misconfiguration,
  type MisconfigurationName,
} from "./misconfigurations.ts";
import { refuseInAzure } from "./refuse-in-azure.ts";

/** Ports of the parts people open; 0 takes a free one. */
export interface StackPorts extends AppPorts, EmulatorPorts {}

export interface StackOptions extends Omit<EmulatorsOptions, "registrations"> {
  /** App registrations in place of the made-up tenant's own. */
  readonly registrations?: readonly Registration[];
  /** Default: free ones. */
  readonly ports?: StackPorts;
  /** Settings of the built app, over those of `local.settings.example.json`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs the app under `func start` of Azure Functions Core Tools, in a process of its own, which follows the clock. */
  readonly func?: boolean;
  /** The API's CORS, for pages that call it from another origin. Default: none. */
  readonly cors?: CorsSettings;
  /** Both gates' answers to what is not known of Easy Auth. */
  readonly switches?: Partial<Switches>;
  /** Sets the apps up as wrongly as its name says. */
  readonly misconfigure?: MisconfigurationName;
  readonly onLog?: (log: HostLog) => void;
}

/** A running stack. The addresses have no slash at the end. */
export interface Stack extends RunningApps, Emulators {
  close(): Promise<void>;
}

export const FREE_PORTS: StackPorts = { frontend: 0, api: 0, entra: 0, graph: 0, functions: 0 };

/**
 * Starts the whole chain in this process: frontend behind its gate, API behind its gate, Functions host with the built app,
 * Entra, Graph and, if asked for, Storage. The built app reads the settings of `local.settings.example.json`. One stack per process at a time:
 * requests for Microsoft's addresses are routed for the whole process.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  refuseInAzure();
  const closers = new Closers();
  try {
    const stack = await startParts(options, closers);
    return { ...stack, close: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

type Parts = Omit<Stack, "close">;

async function startParts(options: StackOptions, closers: Closers): Promise<Parts> {
  const { ports = FREE_PORTS, func = false, cors, switches, misconfigure, onLog } = options;
  const mistake: Misconfiguration = misconfigure === undefined ? {} : MISCONFIGURATIONS[misconfigure];
  const registrations = [{ ...API, ...mistake.api }, FRONTEND];
  const { traces, ...emulators } = await startEmulators(ports, { registrations, ...options }, closers);
  const { entraUrl: entra, graphUrl: graph, storage } = emulators;
  const gates = gateSettings(APPS, mistake);
  const apps = await startApps(
    {
      ports,
      settings: {
        ...(await readExampleSettings()),
        ...(storage && settingsFor(storage)),
        ...mistake.settings,
        ...options.settings,
      },
      func: func ? { origins: { entra, graph }, certificate: storage?.certificate } : undefined,
      apiGate: {
        settings: gates.api,
        switches: { ...mistake.switches, ...switches },
        ...(cors !== undefined && { cors }),
      },
      frontendGate: {
        settings: gates.frontend,
        switches: switches ?? {},
        appSettings: { [CLIENT_SECRET_SETTING]: FRONTEND.clientSecrets[0] },
        browserOrigin: entra,
      },
      sendsIdToken: mistake.sendsIdToken ?? false,
      onServer: (server, station) =>
        observe(server, station, traces, func && station === "API gate" ? UNSEEN_FUNCTION : []),
      onLog: (log) => {
        traces.log(log);
        onLog?.(log);
      },
    },
    closers,
  );
  closers.add(() => emulators.faults.clear());
  const ended = storage ? Promise.race([apps.ended, storage.ended]) : apps.ended;
  return { ...apps, ...emulators, ended };
}

/** Of a request that goes on to a function in another process. */
const UNSEEN_FUNCTION = [["Function", "not seen: it runs under func, in a process of its own"]] as const;

/** The made-up tenant's, as the gates know them. */
const APPS: Apps = {
  tenantId: TENANT_ID,
  apiClientId: API.clientId,
  apiScope: `${API.identifierUris[0]}/user_impersonation`,
  frontendClientId: FRONTEND.clientId,
};

async function readExampleSettings(): Promise<Readonly<Record<string, string>>> {
  return readLocalSettings(`${ROOT}local.settings.example.json`);
}
