import type http from "node:http";
import { type Clock, startClock } from "../clock/clock.ts";
import type { Ports } from "../configuration/configuration.ts";
import { controlRoutes } from "../control/control-routes.ts";
import {
  type Account,
  createDirectory,
  type Directory,
  type Registration,
  type TenantOptions,
} from "../directory/directory.ts";
import { createSigningKeys } from "../entra/keys.ts";
import { type EntraServer, startEntra } from "../entra/server.ts";
import { createTokenIssuer, type SignIn, type TokenIssuer } from "../entra/tokens.ts";
import { Faults } from "../faults/faults.ts";
import { startGraph } from "../graph/server.ts";
import { type Certificate, createCertificate } from "../http/certificate.ts";
import type { AnsweredRequest } from "../http/router.ts";
import { routeMicrosoftOrigins } from "../routing/microsoft-origins.ts";
import { STORAGE, type StorageRequest } from "../storage/access.ts";
import type { StoredFile } from "../storage/sample-files.ts";
import type { Storage } from "../storage/server.ts";
import { startStackStorage, startStackTables } from "../storage/stack-storage.ts";
import type { Tables } from "../storage/tables.ts";
import type { Station } from "../trace/hop.ts";
import { observe } from "../trace/observe.ts";
import { detailsOf } from "../trace/request-details.ts";
import { Traces, type TracesOptions } from "../trace/traces.ts";
import type { Closers } from "./closers.ts";

export interface EmulatorsOptions {
  readonly tenant?: TenantOptions | undefined;
  /** Accounts beside the built-in ones. */
  readonly accounts?: readonly Account[] | undefined;
  readonly registrations: readonly Registration[];
  /** Sign-in whose tokens scripts get. */
  readonly signIn: SignIn;
  /** Addresses on this machine by the origin that they stand for, for other APIs. */
  readonly services?: Readonly<Record<string, string>>;
  /** Whether Entra and Graph listen with https too. */
  readonly https: boolean;
  /** Certificate of the https listeners. Default: a new one. */
  readonly certificate?: Certificate | undefined;
  /** Folder that keeps the signing keys between starts. Default: new keys at every start. */
  readonly stateFolder?: string | undefined;
  /** Starts a storage account, with a container that holds these, and turns the app's routes for files on. */
  readonly files?: readonly StoredFile[];
  /** Starts Table storage for apps, whose address the API gets as SHARED_CACHE_URL. */
  readonly sharedCache?: boolean | undefined;
  /** Called with every request to Entra and Graph, once it has an answer. */
  readonly onAnswered?: (service: "entra" | "graph", answered: AnsweredRequest) => void;
  /** Called with every user's request to Storage. */
  readonly onStorageRequest?: (request: StorageRequest) => void;
  /** Called when all hops of a trace have ended, with those that are new since the last call. */
  readonly onTrace?: TracesOptions["onSettled"];
}

/** Entra, Graph and perhaps Storage, running. The addresses have no slash at the end. */
export interface Emulators {
  readonly entraUrl: string;
  readonly graphUrl: string;
  readonly directory: Directory;
  /** Issues tokens as the tenant does. */
  readonly issuer: TokenIssuer;
  /** Fault rules for Entra and Graph. */
  readonly faults: Faults;
  /** Clock of the whole process, the app included. */
  readonly clock: Clock;
  /** Entra's https address and certificate; undefined without `https`. */
  readonly entraHttps: EntraServer["https"];
  /** Graph's https address and certificate; undefined without `https`. */
  readonly graphHttps: EntraServer["https"];
  /** Storage account; undefined without `files`. */
  readonly storage: Storage | undefined;
  /** Table storage; undefined without `sharedCache`. */
  readonly tables: Tables | undefined;
}

/** Starts the emulators and routes this process's requests for Entra and Graph to them. Records requests in `traces`. */
export async function startEmulators(
  ports: Ports,
  options: EmulatorsOptions,
  closers: Closers,
): Promise<Emulators & { readonly traces: Traces }> {
  const { tenant, accounts, registrations, services, https, certificate, files, onAnswered, onTrace } = options;
  const { sharedCache = false } = options;
  const clock = startClock();
  closers.addShared(clock.close);
  const directory = createDirectory({
    ...(tenant !== undefined && { tenant }),
    ...(accounts !== undefined && { accounts }),
    registrations: files || sharedCache ? [...registrations, STORAGE] : registrations,
  });
  const faults = new Faults(directory);
  const keys = await createSigningKeys(options.stateFolder);
  const listenerCertificate = https ? (certificate ?? (await createCertificate())) : undefined;
  const secure = listenerCertificate && { https: listenerCertificate };
  const issuer = createTokenIssuer(keys, undefined, directory.tenant.id);
  const traces = createTraces(directory, onTrace);
  const seen = (station: Station) => ({ onServer: (server: http.Server) => observe(server, station, traces) });
  const tell = (service: "entra" | "graph") => ({
    onAnswered: (answered: AnsweredRequest) => {
      traces.complete(detailsOf(answered));
      onAnswered?.(service, answered);
    },
  });
  const moreRoutes = controlRoutes({ directory, issuer, faults, clock, traces, signIn: options.signIn });
  const listening = { port: ports.entra, httpsPort: ports.entraHttps, ...secure };
  const entraOptions = { directory, issuer, faults, moreRoutes, ...listening };
  const entra = await closers.started(startEntra({ ...entraOptions, ...tell("entra"), ...seen("Entra") }));
  const graphListening = { port: ports.graph, httpsPort: ports.graphHttps, certificate: listenerCertificate };
  const graphOptions = { directory, keys, faults, ...graphListening };
  const graph = await closers.started(startGraph({ ...graphOptions, ...tell("graph"), ...seen("Graph") }));
  const origins = { entra: entra.url, graph: graph.url, ...(services && { services }) };
  closers.addShared(routeMicrosoftOrigins(origins, () => traces.traceParent));
  const { onStorageRequest: onRequest } = options;
  const storageOptions = { directory, keys, port: ports.storage, onRequest, certificate, ...seen("Storage") };
  const storage = files && (await startStackStorage({ ...storageOptions, files }, traces, closers));
  const tables = sharedCache ? await startStackTables({ directory, keys, certificate }, closers) : undefined;
  const urls = { entraUrl: entra.url, graphUrl: graph.url, entraHttps: entra.https, graphHttps: graph.https };
  return { ...urls, storage, tables, directory, issuer, faults, clock, traces };
}

function createTraces(directory: Directory, onSettled: TracesOptions["onSettled"]): Traces {
  const accountKey = (objectId: string) => directory.accountById(objectId)?.key;
  return new Traces({ accountKey, ...(onSettled !== undefined && { onSettled }) });
}
