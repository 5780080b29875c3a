import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Configuration, Ports } from "../configuration/configuration.ts";
import { type LocalSettings, readLocalSettings } from "../configuration/local-settings.ts";
import { type Registrations, registrationsOf } from "../configuration/registrations.ts";
import type { Registration } from "../directory/registration.ts";
import type { CorsSettings } from "../easy-auth/cors.ts";
import type { GateOptions } from "../easy-auth/gate-options.ts";
import type { SignIn } from "../entra/tokens.ts";
import type { FunctionsHost, HostLog } from "../functions-host/host.ts";
import { type Certificate, createCertificate, readCertificate } from "../http/certificate.ts";
import { routingEnvironment } from "../routing/child-environment.ts";
import { keepFromProxies } from "../routing/proxies.ts";
import { settingsFor } from "../storage/stack-storage.ts";
import type { Station } from "../trace/hop.ts";
import { observe, observeForwarded } from "../trace/observe.ts";
import type { Traces } from "../trace/traces.ts";
import { apiAuth, frontendAuth } from "./app-auth.ts";
import { easyAuthSettings, resolveSettings } from "./app-settings.ts";
import { type AppSurroundings, type RunningApp, type ServerFactory, startApp } from "./apps.ts";
import { Closers } from "./closers.ts";
import { type Emulators, type EmulatorsOptions, startEmulators } from "./emulators.ts";
import { MISCONFIGURATIONS, type Misconfiguration, type MisconfigurationName } from "./misconfigurations.ts";
import { refuseInAzure } from "./refuse-in-azure.ts";

type Observed = Pick<EmulatorsOptions, "files" | "sharedCache" | "onAnswered" | "onStorageRequest" | "onTrace">;

export interface StackOptions extends Configuration, Observed {
  /** Apps in this process, in place of those that the configuration names. */
  readonly servers?: { readonly api?: ServerFactory; readonly frontend?: ServerFactory };
  /** App settings of the API, over those of the configuration. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Runs a Functions app under `func start` of Azure Functions Core Tools, in a process of its own, which follows the clock. */
  readonly func?: boolean;
  /** CORS of the API's gate, over the configuration's. */
  readonly cors?: CorsSettings;
  /** Whether Entra and Graph listen with https too. */
  readonly https?: boolean;
  /** Folder that keeps signing keys and certificate between starts. Default: new ones at every start, in memory. */
  readonly stateFolder?: string;
  /** Mistake to make in the set-up. */
  readonly misconfigure?: MisconfigurationName;
  readonly onLog?: (log: HostLog) => void;
  /** Called with each line in which a gate explains a refusal or a failure. Default: standard error. */
  readonly onGateLine?: (line: string) => void;
}

/** A running stack. The addresses have no slash at the end. */
export interface Stack extends Emulators {
  /** Address of the frontend's gate; empty without a frontend. */
  readonly frontendUrl: string;
  /** Address of the API's gate; empty without an API. */
  readonly apiUrl: string;
  readonly apps: { readonly api: RunningApp | undefined; readonly frontend: RunningApp | undefined };
  /** Host of the Functions app; without functions where the app runs in a process of its own. */
  readonly functions: Pick<FunctionsHost, "url" | "functions" | "reload">;
  readonly registrations: Registrations;
  /** Sign-in at the frontend: the API that its tokens are for, and the scope. */
  readonly apiSignIn: SignIn;
  /** Addresses on this machine by the origin that they stand for, of other APIs. */
  readonly services: Readonly<Record<string, string>>;
  /** Names of the API's settings that the stack set otherwise. */
  readonly overridden: readonly string[];
  /** Variables by which another Node process reaches the stack. */
  readonly environment: Readonly<Record<string, string>>;
  /** File that holds the certificate of the https listeners, with `https` and a state folder. */
  readonly certificateFile: string | undefined;
  /** Resolves with the reason when a part of the stack ends by itself. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

export const FREE_PORTS: Ports = {
  frontend: 0,
  api: 0,
  entra: 0,
  graph: 0,
  functions: 0,
  entraHttps: 0,
  graphHttps: 0,
  storage: 0,
};

/**
 * Starts the whole chain: Entra, Graph and, if asked for, blob and table storage; the API and the frontend, each behind
 * its gate. Ports are free ones where none are given. One stack per process at a time: requests for Microsoft's addresses
 * are routed for the whole process.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  refuseInAzure();
  const closers = new Closers();
  closers.addShared(keepFromProxies());
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
  const ports = { ...FREE_PORTS, ...options.ports };
  const mistake: Misconfiguration = options.misconfigure === undefined ? {} : MISCONFIGURATIONS[options.misconfigure];
  const registrations = registrationsWith(options, mistake);
  const signIn = signInOf(options, registrations);
  const services = servicesOf(options);
  const { certificate, certificateFile } = await certificateFor(options);
  const emulatorOptions = {
    ...options,
    ...{ registrations: [...registrations.values()], services, certificate, https: options.https ?? false, signIn },
  };
  const { traces, ...emulators } = await startEmulators(ports, emulatorOptions, closers);
  const { entraUrl, graphUrl, storage, tables } = emulators;
  const environment = routingEnvironment({ entraUrl, graphUrl, services, certificateFile });
  const around = surroundings({ options, ports, traces, emulators });
  const starting = { options, mistake, registrations, emulators, environment, around, ports };
  const api = await startApi(starting, closers);
  const frontend = await startFrontend({ ...starting, apiUrl: api?.app.url ?? "" }, closers);
  closers.add(() => emulators.faults.clear());
  const ended = [api?.app.ended, frontend?.ended, storage?.ended, tables?.ended].filter((one) => one !== undefined);
  const noHost = { url: api?.app.appUrl ?? "", functions: [], reload: async () => {} };
  return {
    ...emulators,
    ...{ registrations, apiSignIn: signIn, services, environment, certificateFile, overridden: api?.overridden ?? [] },
    ...{ frontendUrl: frontend?.url ?? "", apiUrl: api?.app.url ?? "", apps: { api: api?.app, frontend } },
    functions: api?.app.functions ?? noHost,
    ended: Promise.race([...ended, new Promise<never>(() => {})]),
  };
}

interface Starting {
  readonly options: StackOptions;
  readonly mistake: Misconfiguration;
  readonly registrations: Registrations;
  readonly emulators: Emulators;
  readonly environment: Readonly<Record<string, string>>;
  readonly around: AppSurroundings;
  readonly ports: Ports;
}

async function startApi(starting: Starting, closers: Closers) {
  const { options, mistake, emulators, environment, around, ports } = starting;
  const { api = {}, servers = {}, switches } = options;
  if (!servers.api && api.app === undefined) return undefined;
  const registration = registrationFor("api", starting);
  const usual = api.auth ?? apiAuth(defaultApps(starting));
  const auth = mistake.apiAuth?.(usual, registrationFor("frontend", starting)) ?? usual;
  const { values: file, cors: localCors } = localSettingsOf(api.app);
  const set: Readonly<Record<string, string>> = {
    ...resolveSettings(api.settings ?? {}, around.addresses),
    ...(emulators.storage && settingsFor(emulators.storage)),
    ...(emulators.tables && { SHARED_CACHE_URL: emulators.tables.url }),
    ...easyAuthSettings(auth, registration, options.platform),
    ...mistake.settings,
    ...options.settings,
  };
  const cors = options.cors ?? api.cors ?? localCors;
  const own = { ...file, ...resolveSettings(api.settings ?? {}, around.addresses) };
  const overridden = Object.keys(own).filter((name) => set[name] !== undefined && set[name] !== own[name]);
  const app = await startApp(
    {
      ...api,
      ...{
        title: "The API",
        auth,
        server: servers.api,
        port: ports.api,
        stations: { gate: "API gate", app: "function" },
      },
      ...(cors !== undefined && { cors }),
      appSettings: { ...file, ...set },
      environment: { ...process.env, ...environment },
      gate: { ...gatesOf(options), switches: { ...mistake.switches, ...switches } },
    },
    around,
    closers,
  );
  return { app, overridden };
}

async function startFrontend(starting: Starting & { readonly apiUrl: string }, closers: Closers) {
  const { options, mistake, emulators, environment, apiUrl, ports } = starting;
  const { frontend = {}, servers = {}, switches = {} } = options;
  if (!servers.frontend && frontend.app === undefined) return undefined;
  const around = { ...starting.around, addresses: { ...starting.around.addresses, apiUrl } };
  const registration = registrationFor("frontend", starting);
  const usual = frontend.auth ?? frontendAuth(defaultApps(starting));
  const auth = mistake.frontendAuth?.(usual, registration) ?? usual;
  return startApp(
    {
      ...frontend,
      ...{ title: "The frontend", auth, server: servers.frontend, port: ports.frontend },
      stations: { gate: "frontend gate", app: "frontend" },
      appSettings: {
        ...resolveSettings(frontend.settings ?? {}, around.addresses),
        ...easyAuthSettings(auth, registration, options.platform),
      },
      environment: { ...process.env, ...environment },
      gate: {
        ...gatesOf(options),
        ...{ switches, browserOrigin: emulators.entraUrl },
        ...(mistake.onForward && { onForward: mistake.onForward }),
      },
    },
    around,
    closers,
  );
}

/** Options that both gates have in common. */
function gatesOf({ platform, onGateLine }: StackOptions): Pick<GateOptions, "platform" | "onError"> {
  return { ...(platform && { platform }), ...(onGateLine && { onError: onGateLine }) };
}

function surroundings({
  options,
  ports,
  traces,
  emulators,
}: Pick<Starting, "options" | "ports" | "emulators"> & { traces: Traces }) {
  const { entraUrl, graphUrl, directory } = emulators;
  return {
    ports,
    func: options.func ?? false,
    addresses: { entraUrl, graphUrl, tenantId: directory.tenant.id },
    onServer: (server, station) => observe(server, station, traces),
    onForward: (station: Station) => (outgoing) => observeForwarded(outgoing, station, traces, UNSEEN),
    onLog: (log) => {
      traces.log(log);
      options.onLog?.(log);
    },
  } satisfies AppSurroundings;
}

/** Note on a hop whose app is in another process. */
const UNSEEN = [["Not seen", "what happens inside: it runs in a process of its own"]] as const;

function registrationsWith(options: StackOptions, mistake: Misconfiguration): Registrations {
  const registrations = new Map(registrationsOf(options));
  const name = options.api?.registration ?? "api";
  const api = registrations.get(name);
  if (api) registrations.set(name, { ...api, ...mistake.api });
  return new Map([...registrations].map(([key, one]) => [key, withGateRedirects(one)]));
}

/** Registers the redirect URI of Easy Auth on this machine, as setting Easy Auth up does in Azure. */
function withGateRedirects(registration: Registration): Registration {
  const { redirectUris = {} } = registration;
  const uris = ["http", "https"].map((scheme) => `${scheme}://localhost/.auth/login/aad/callback`);
  return {
    ...registration,
    redirectUris: { ...redirectUris, web: [...new Set([...(redirectUris.web ?? []), ...uris])] },
  };
}

function registrationFor(
  app: "api" | "frontend",
  { options, registrations }: Pick<Starting, "options" | "registrations">,
) {
  const { auth, registration: name = app } = options[app] ?? {};
  const clientId = auth?.identityProviders.azureActiveDirectory.registration.clientId.toLowerCase();
  const found =
    clientId === undefined
      ? registrations.get(name)
      : [...registrations.values()].find((one) => one.clientId.toLowerCase() === clientId);
  if (!found)
    throw new Error(`${app}: no registration ${clientId ?? name}. There are: ${[...registrations.keys()].join(", ")}.`);
  return found;
}

function signInOf(options: StackOptions, registrations: Registrations): SignIn {
  const audience = registrationFor("api", { options, registrations });
  const client = registrationFor("frontend", { options, registrations });
  return { audience, client, scope: audience.scopes?.[0] ?? "" };
}

function defaultApps({ options, registrations, emulators }: Starting) {
  const { api = {}, frontend = {} } = options;
  return {
    tenantId: emulators.directory.tenant.id,
    api: registrationFor("api", { options, registrations }),
    frontend: registrationFor("frontend", { options, registrations }),
    excludedPaths: {
      ...(api.excludedPaths && { api: api.excludedPaths }),
      ...(frontend.excludedPaths && { frontend: frontend.excludedPaths }),
    },
  };
}

/** Addresses on this machine by origin. */
function servicesOf({ services = {} }: Configuration): Record<string, string> {
  return Object.fromEntries(
    Object.values(services).flatMap(({ origin, url }) => {
      if (url === undefined) return [];
      return [[new URL(origin).origin, /^\d+$/.test(String(url)) ? `http://localhost:${url}` : String(url)]];
    }),
  );
}

async function certificateFor({ https = false, files, sharedCache = false, stateFolder }: StackOptions) {
  const none: { certificate?: Certificate; certificateFile?: string } = {};
  if (!https && !files && !sharedCache) return none;
  if (stateFolder === undefined) return { ...none, certificate: await createCertificate() };
  return { certificate: await readCertificate(stateFolder), certificateFile: join(stateFolder, "certificate.pem") };
}

/** Reads the settings of an app's folder, as `func` does; none without the file. */
function localSettingsOf(app: string | number | undefined): LocalSettings {
  const file = join(String(app), "local.settings.json");
  return typeof app === "string" && existsSync(file) ? readLocalSettings(file) : { values: {}, cors: undefined };
}
