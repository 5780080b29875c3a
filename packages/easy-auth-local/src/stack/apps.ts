import type http from "node:http";
import { fileURLToPath } from "node:url";
import { createFrontend } from "../../../../frontend/server.ts";
import { type GateOptions, startGate } from "../easy-auth/gate.ts";
import { type FuncOptions, type RunningFunc, startFunc } from "../functions-host/func.ts";
import { type FunctionsHost, type HostLog, startFunctionsHost } from "../functions-host/host.ts";
import { listenOnLoopback } from "../http/loopback-server.ts";
import type { Station } from "../trace/hop.ts";
import type { Closers } from "./closers.ts";

export const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Ports of the apps; 0 takes a free one. */
export interface AppPorts {
  readonly frontend: number;
  readonly api: number;
  readonly functions: number;
}

export interface AppsOptions {
  readonly ports: AppPorts;
  /** Settings of the function app. */
  readonly settings: Readonly<Record<string, string>>;
  /** Runs the function app under `func start`, its requests for Microsoft routed to `origins`, `certificate` trusted. Default: the embedded host. */
  readonly func?: Pick<FuncOptions, "origins" | "certificate"> | undefined;
  readonly apiGate: Pick<GateOptions, "settings" | "switches" | "cors">;
  readonly frontendGate: Pick<GateOptions, "settings" | "switches" | "appSettings" | "browserOrigin">;
  /** A frontend that passes the ID token on in place of the access token. */
  readonly sendsIdToken?: boolean;
  /** Told of each server before it listens. */
  readonly onServer?: (server: http.Server, station: Station) => void;
  readonly onLog?: (log: HostLog) => void;
}

/** The apps, running. The addresses have no slash at the end. */
export interface RunningApps {
  readonly frontendUrl: string;
  readonly apiUrl: string;
  readonly functions: FunctionsHost;
  /** Resolves, with why, when the app's host ends by itself, as `func` can. */
  readonly ended: Promise<string>;
  /** Serves the frontend's page as it is built now. */
  reloadPage(): void;
}

/** Starts the function app and the frontend, each behind its gate. What they need of Entra and Graph has to be there. */
export async function startApps(options: AppsOptions, closers: Closers): Promise<RunningApps> {
  const { ports, settings, func, apiGate, frontendGate, onServer = () => {}, onLog } = options;
  const seen = (station: Station) => ({ onServer: (server: http.Server) => onServer(server, station) });
  const host = { appRoot: ROOT, port: ports.functions, settings };
  const functions: FunctionsHost & Partial<Pick<RunningFunc, "ended">> = func
    ? await closers.started(startFunc({ ...host, ...func }))
    : await closers.started(
        startFunctionsHost({ ...host, ...(onLog !== undefined && { onLog }), ...seen("function") }),
      );
  const api = await closers.started(
    startGate({
      ...apiGate,
      name: "API gate",
      isFunctionApp: true,
      upstream: functions.url,
      port: ports.api,
      ...seen("API gate"),
    }),
  );
  const { server, reloadPage } = createFrontendApp(api.url);
  if (options.sendsIdToken) passIdTokenOn(server);
  onServer(server, "frontend");
  const page = await closers.started(listenOnLoopback(server, 0));
  const frontend = await closers.started(
    startGate({
      ...frontendGate,
      name: "frontend gate",
      upstream: page.url,
      port: ports.frontend,
      ...seen("frontend gate"),
    }),
  );
  const ended = functions.ended ?? new Promise<never>(() => {});
  return { frontendUrl: frontend.url, apiUrl: api.url, functions, ended, reloadPage };
}

/** The frontend's server, which reads the page's files when it is made, and what gives it a new one's answers. */
function createFrontendApp(apiUrl: string): { server: http.Server; reloadPage(): void } {
  const create = () => createFrontend({ backendUrl: apiUrl, pageFolder: `${ROOT}dist/frontend/page` });
  const server = create();
  const reloadPage = () => {
    const listeners = create().listeners("request") as http.RequestListener[];
    server.removeAllListeners("request");
    for (const listener of listeners) server.on("request", listener);
  };
  return { server, reloadPage };
}

/** What happens when the frontend reads the wrong one of Easy Auth's headers. */
function passIdTokenOn(server: http.Server): void {
  const emit = server.emit;
  server.emit = function (this: http.Server, event: string, ...args: unknown[]): boolean {
    const [request] = args as [http.IncomingMessage];
    const idToken = event === "request" ? request.headers["x-ms-token-aad-id-token"] : undefined;
    if (idToken !== undefined) request.headers["x-ms-token-aad-access-token"] = idToken;
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  } as typeof server.emit;
}
