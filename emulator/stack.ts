import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { createFrontend } from "../frontend/server.ts";
import { type Clock, startClock } from "./clock.ts";
import {
  type Account,
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  type Directory,
  FRONTEND,
  type Registration,
  TENANT_ID,
} from "./directory.ts";
import type { AuthSettings } from "./easy-auth/auth-settings.ts";
import { startGate } from "./easy-auth/gate.ts";
import { createSigningKeys } from "./entra/keys.ts";
import { type EntraServer, startEntra } from "./entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "./entra/tokens.ts";
import { Faults } from "./faults/faults.ts";
import { type FunctionsHost, type HostLog, startFunctionsHost } from "./functions-host/host.ts";
import { startGraph } from "./graph/server.ts";
import { listenOnLoopback } from "./loopback-server.ts";
import { routeMicrosoftOrigins } from "./microsoft-origins.ts";
import type { Exchanged } from "./router.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Ports of the parts people open; 0 takes a free one. */
export interface StackPorts {
  readonly frontend: number;
  readonly api: number;
  readonly entra: number;
  readonly graph: number;
  readonly functions: number;
  /** Of Entra's https listener, with `https: true`. */
  readonly entraHttps?: number;
}

export interface StackOptions {
  /** Default: free ones. */
  readonly ports?: StackPorts;
  /** Accounts besides the made-up tenant's own. */
  readonly accounts?: readonly Account[];
  /** Whether Entra listens with https too. */
  readonly https?: boolean;
  /** The tenant's apps. Default: the API and the frontend. */
  readonly registrations?: readonly Registration[];
  /** Settings of the built app, over those of `local.settings.example.json`. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onLog?: (log: HostLog) => void;
  /** Told of every request that Entra or Graph answered. */
  readonly onExchange?: (service: "entra" | "graph", exchanged: Exchanged) => void;
}

/** A running stack. The addresses have no slash at the end. */
export interface Stack {
  readonly frontendUrl: string;
  readonly apiUrl: string;
  readonly entraUrl: string;
  readonly graphUrl: string;
  readonly functions: FunctionsHost;
  readonly directory: Directory;
  /** Mints tokens as the tenant does. */
  readonly issuer: TokenIssuer;
  /** What Entra and Graph are told to do wrong. */
  readonly faults: Faults;
  /** The time that the whole process lives by, the app included. */
  readonly clock: Clock;
  /** Where Entra listens with https, and the certificate to trust there. */
  readonly entraHttps: EntraServer["https"];
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

/** What has to be ended: all servers at once, then what they share, such as the routing that they send requests by. */
class Closers {
  readonly #closers: (() => unknown)[] = [];
  readonly #shared: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  async started<T extends { close(): unknown }>(starting: Promise<T>): Promise<T> {
    const part = await starting;
    this.add(() => part.close());
    return part;
  }

  addShared(close: () => unknown): void {
    this.#shared.push(close);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()));
    await Promise.all(this.#shared.splice(0).map((close) => close()));
  }
}

type Parts = Omit<Stack, "close">;

async function startParts(options: StackOptions, closers: Closers): Promise<Parts> {
  const { ports = FREE_PORTS, accounts, https = false, onLog, onExchange } = options;
  const clock = startClock();
  closers.addShared(clock.close);
  const directory = createDirectory(accounts, options.registrations);
  const faults = new Faults(directory);
  const keys = await createSigningKeys();
  const issuer = createTokenIssuer(keys);
  const tell = (service: "entra" | "graph") => ({
    onExchange: (exchanged: Exchanged) => onExchange?.(service, exchanged),
  });
  const listening = { port: ports.entra, https, httpsPort: ports.entraHttps ?? 0 };
  const entra = await closers.started(startEntra({ directory, issuer, faults, clock, ...listening, ...tell("entra") }));
  const graph = await closers.started(startGraph({ directory, keys, faults, port: ports.graph, ...tell("graph") }));
  closers.addShared(routeMicrosoftOrigins({ entra: entra.url, graph: graph.url }));

  const settings = { ...(await readExampleSettings()), ...options.settings };
  const host = { appRoot: ROOT, port: ports.functions, settings, ...(onLog !== undefined && { onLog }) };
  const functions = await closers.started(startFunctionsHost(host));
  const api = await closers.started(startGate({ settings: API_AUTH, upstream: functions.url, port: ports.api }));
  const server = createFrontend({ backendUrl: api.url, pageFolder: `${ROOT}dist/frontend/page` });
  const app = await closers.started(listenOnLoopback(server, 0));
  const signIn = { clientSecret: FRONTEND.clientSecret, browserOrigin: entra.url };
  const gate = { settings: FRONTEND_AUTH, upstream: app.url, port: ports.frontend, ...signIn };
  const frontend = await closers.started(startGate(gate));
  closers.add(() => faults.clear());
  const urls = { frontendUrl: frontend.url, apiUrl: api.url, entraUrl: entra.url, graphUrl: graph.url };
  return { ...urls, functions, directory, issuer, faults, clock, entraHttps: entra.https };
}

const ISSUER = `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`;

/** The API takes bearer tokens of the frontend and signs nobody in. */
const API_AUTH: AuthSettings = {
  globalValidation: { unauthenticatedClientAction: "Return401", excludedPaths: ["/api/health", "/api/errors"] },
  identityProviders: {
    azureActiveDirectory: {
      registration: { openIdIssuer: ISSUER, clientId: API.clientId },
      validation: {
        allowedAudiences: [API.clientId, ...API.identifierUris],
        defaultAuthorizationPolicy: { allowedApplications: [FRONTEND.clientId] },
      },
    },
  },
  login: { tokenStore: { enabled: false } },
};

/** The frontend signs users in, with the API's scope, and keeps their tokens. */
const FRONTEND_AUTH: AuthSettings = {
  globalValidation: { unauthenticatedClientAction: "RedirectToLoginPage", excludedPaths: ["/health"] },
  identityProviders: {
    azureActiveDirectory: {
      registration: {
        openIdIssuer: ISSUER,
        clientId: FRONTEND.clientId,
        clientSecretSettingName: "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
      },
      login: {
        loginParameters: [`scope=openid profile email offline_access ${API.identifierUris[0]}/user_impersonation`],
      },
      validation: {
        allowedAudiences: [FRONTEND.clientId],
        defaultAuthorizationPolicy: { allowedApplications: [FRONTEND.clientId] },
      },
    },
  },
  login: { tokenStore: { enabled: true } },
};

async function readExampleSettings(): Promise<Record<string, string>> {
  const file = JSON.parse(await readFile(`${ROOT}local.settings.example.json`, "utf8")) as {
    Values: Record<string, string>;
  };
  return file.Values;
}

/** Emulators answer to anyone who asks, so they run on a developer's machine only. */
function refuseInAzure(): void {
  const marker = ["WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME"].find((name) => process.env[name] !== undefined);
  if (marker) throw new Error(`The emulators do not start in Azure App Service (${marker} is set).`);
}
