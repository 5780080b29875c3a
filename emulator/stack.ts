import type http from "node:http";
import { type Apps, CLIENT_SECRET_SETTING } from "./app-auth.ts";
import { type AppPorts, ROOT, type RunningApps, startApps } from "./apps.ts";
import { type Clock, startClock } from "./clock.ts";
import { Closers } from "./closers.ts";
import {
  type Account,
  API,
  createDirectory,
  type Directory,
  FRONTEND,
  type Registration,
  TENANT_ID,
} from "./directory.ts";
import type { CorsSettings } from "./easy-auth/cors.ts";
import type { Switches } from "./easy-auth/switches.ts";
import { createSigningKeys } from "./entra/keys.ts";
import { type EntraServer, startEntra } from "./entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "./entra/tokens.ts";
import { Faults } from "./faults/faults.ts";
import type { HostLog } from "./functions-host/host.ts";
import { startGraph } from "./graph/server.ts";
import { readLocalSettings } from "./local-settings.ts";
import { routeMicrosoftOrigins } from "./microsoft-origins.ts";
import {
  gateSettings,
  MISCONFIGURATIONS,
  type Misconfiguration,
  type MisconfigurationName,
} from "./misconfigurations.ts";
import { refuseInAzure } from "./refuse-in-azure.ts";
import type { Exchanged } from "./router.ts";
import { STORAGE, type StorageRequest } from "./storage/access.ts";
import type { StoredFile } from "./storage/sample-files.ts";
import type { Storage } from "./storage/server.ts";
import { settingsFor, startStackStorage } from "./storage/stack-storage.ts";
import { detailsOf } from "./trace/exchange.ts";
import type { Station } from "./trace/hop.ts";
import { observe } from "./trace/observe.ts";
import { traceRoutes } from "./trace/routes.ts";
import { Traces, type TracesOptions } from "./trace/traces.ts";

/** Ports of the parts people open; 0 takes a free one. */
export interface StackPorts extends AppPorts {
  readonly entra: number;
  readonly graph: number;
  /** Of Entra's https listener, with `https: true`. */
  readonly entraHttps?: number;
  /** Of Storage, with `files`. */
  readonly storage?: number;
}

export interface StackOptions {
  /** Default: free ones. */
  readonly ports?: StackPorts;
  /** Accounts besides the made-up tenant's own. */
  readonly accounts?: readonly Account[];
  /** App registrations in place of the made-up tenant's own. */
  readonly registrations?: readonly Registration[];
  /** Whether Entra listens with https too. */
  readonly https?: boolean;
  /** Settings of the built app, over those of `local.settings.example.json`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Starts a storage account, with a container that holds these, and turns the app's routes for files on. */
  readonly files?: readonly StoredFile[];
  /** Runs the app under `func start` of Azure Functions Core Tools, in a process of its own, which follows the clock. */
  readonly func?: boolean;
  /** The API's CORS, for pages that call it from another origin. Default: none. */
  readonly cors?: CorsSettings;
  /** Both gates' answers to what is not known of Easy Auth. */
  readonly switches?: Partial<Switches>;
  /** Sets the apps up as wrongly as its name says. */
  readonly misconfigure?: MisconfigurationName;
  readonly onLog?: (log: HostLog) => void;
  /** Told of every request that Entra or Graph answered. */
  readonly onExchange?: (service: "entra" | "graph", exchanged: Exchanged) => void;
  /** Told of every user's request to Storage. */
  readonly onStorageRequest?: (request: StorageRequest) => void;
  /** Told of the hops that are new, when all hops of a trace have ended. */
  readonly onTrace?: TracesOptions["onSettled"];
}

/** A running stack. The addresses have no slash at the end. */
export interface Stack extends RunningApps {
  readonly entraUrl: string;
  readonly graphUrl: string;
  readonly directory: Directory;
  /** Mints tokens as the tenant does. */
  readonly issuer: TokenIssuer;
  /** What Entra and Graph are told to do wrong. */
  readonly faults: Faults;
  /** The time that the whole process lives by, the app included. */
  readonly clock: Clock;
  /** Where Entra listens with https, and the certificate to trust there. */
  readonly entraHttps: EntraServer["https"];
  /** With `files`. */
  readonly storage: Storage | undefined;
  close(): Promise<void>;
}

export const FREE_PORTS: StackPorts = { frontend: 0, api: 0, entra: 0, graph: 0, functions: 0 };

/**
 * Starts the whole chain in this process: frontend behind its gate, API behind its gate, Functions host with the built app,
 * Entra and Graph. The built app reads the settings of `local.settings.example.json`. One stack per process at a time:
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
  const { traces, ...emulators } = await startEmulators(options, mistake, closers);
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
        appSettings: { [CLIENT_SECRET_SETTING]: FRONTEND.clientSecret },
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

/** Entra and Graph, and this process's requests for Microsoft routed there. */
async function startEmulators(options: StackOptions, { api }: Misconfiguration, closers: Closers) {
  const { ports = FREE_PORTS, accounts, https = false, onExchange, onTrace } = options;
  const clock = startClock();
  closers.addShared(clock.close);
  const registrations = options.registrations ?? [{ ...API, ...api }, FRONTEND];
  const directory = createDirectory(accounts, options.files ? [...registrations, STORAGE] : registrations);
  const faults = new Faults(directory);
  const keys = await createSigningKeys();
  const issuer = createTokenIssuer(keys);
  const traces = createTraces(directory, onTrace);
  const seen = (station: Station) => ({ onServer: (server: http.Server) => observe(server, station, traces) });
  const tell = (service: "entra" | "graph") => ({
    onExchange: (exchanged: Exchanged) => {
      traces.complete(detailsOf(exchanged));
      onExchange?.(service, exchanged);
    },
  });
  const listening = { port: ports.entra, https, httpsPort: ports.entraHttps ?? 0 };
  const entraOptions = { directory, issuer, faults, clock, ...listening, moreRoutes: traceRoutes(traces) };
  const entra = await closers.started(startEntra({ ...entraOptions, ...tell("entra"), ...seen("Entra") }));
  const graphOptions = { directory, keys, faults, port: ports.graph };
  const graph = await closers.started(startGraph({ ...graphOptions, ...tell("graph"), ...seen("Graph") }));
  closers.addShared(routeMicrosoftOrigins({ entra: entra.url, graph: graph.url }, () => traces.traceParent));
  const { files, onStorageRequest: onRequest } = options;
  const storageOptions = { directory, keys, port: ports.storage ?? 0, onRequest, ...seen("Storage") };
  const storage = files && (await startStackStorage({ ...storageOptions, files }, traces, closers));
  const urls = { entraUrl: entra.url, graphUrl: graph.url, entraHttps: entra.https };
  return { ...urls, storage, directory, issuer, faults, clock, traces };
}

function createTraces(directory: Directory, onSettled: TracesOptions["onSettled"]): Traces {
  const accountKey = (objectId: string) => directory.accountById(objectId)?.key;
  return new Traces({ accountKey, ...(onSettled !== undefined && { onSettled }) });
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
