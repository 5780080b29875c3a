import { createServer, type Server } from "node:http";
import { listenOnLoopback } from "../http/loopback-server.ts";
import { applySettings } from "./environment.ts";
import type { HostLog } from "./host-log.ts";
import { actLikeKestrel, PARSED_HEADER_SIZE } from "./kestrel.ts";
import type { HostedFunction } from "./routes.ts";
import { loadServedApp } from "./served-app.ts";

export type { HostLog } from "./host-log.ts";
export type { HostedFunction } from "./routes.ts";

export interface FunctionsHost {
  /** `http://localhost:<port>`, without a slash at the end. */
  readonly url: string;
  /** Functions that are served now, in the order in which routes are tried. */
  readonly functions: readonly HostedFunction[];
  /**
   * Loads the app again. Requests from then on are the new app's; those that run end in the old one, whose appTerminate
   * hooks run after them. Rejects when the new app cannot be loaded: then nothing has changed.
   */
  reload(): Promise<void>;
  /**
   * Stops accepting, waits `CLOSE_WITHIN_MS` at most for what is running, runs the appTerminate hooks and gives the
   * environment back. May be called twice. What the app itself left open (timers, sockets) stays open.
   */
  close(): Promise<void>;
}

export interface FunctionsHostOptions {
  /** Folder with host.json and package.json. */
  readonly appRoot: string;
  /** Port to listen on. Default 0: a free one. */
  readonly port?: number;
  /** The `Values` of local.settings.json. Unlike with `func`, they win over the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Milliseconds for which no byte may move with HTTP streaming. Default 240,000, as the real host's proxy. */
  readonly activityTimeoutMs?: number;
  readonly onLog?: (log: HostLog) => void;
  /** Called with the server before it listens. */
  readonly onServer?: (server: Server) => void;
}

const CLOSE_WITHIN_MS = 5000;
/** Time-out of the real host's proxy: DefaultHttpProxyService.cs in Azure/azure-functions-host. */
const ACTIVITY_TIMEOUT_MS = 240_000;

let latestLoad: Promise<unknown> = Promise.resolve();

/** Runs `load` after the loads before it: registrations are collected process-wide. */
function inTurn<T>(load: () => Promise<T>): Promise<T> {
  const loaded = latestLoad.then(load);
  latestLoad = loaded.catch(() => undefined);
  return loaded;
}

/**
 * Loads a built app into this process and serves its HTTP functions on the loopback interface, with the real host's
 * routing and HTTP conversion, or its forwarding where the app turns HTTP streaming on. Rejects when the app cannot be
 * loaded or asks for something that is not imitated.
 *
 * Not done: function keys (authLevel), other triggers than HTTP, ending the worker when `functionTimeout` is over. Apps
 * share `process.env` and the working directory, so two hosts at once see each other's settings.
 */
export function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  return inTurn(() => startHost(options));
}

async function startHost({ settings = {}, ...options }: FunctionsHostOptions): Promise<FunctionsHost> {
  const restoreEnvironment = applySettings(settings);
  try {
    return await serve(options, restoreEnvironment);
  } catch (error) {
    restoreEnvironment();
    throw error;
  }
}

async function serve(
  { appRoot, port = 0, activityTimeoutMs = ACTIVITY_TIMEOUT_MS, onLog = () => {}, onServer }: FunctionsHostOptions,
  afterClose: () => void,
): Promise<FunctionsHost> {
  const load = () => loadServedApp(appRoot, { onLog, activityTimeoutMs });
  let current = await load();
  const serving = new Set([current]);
  const server = createServer({ maxHeaderSize: PARSED_HEADER_SIZE }, (request, answer) =>
    current.answer(request, answer),
  );
  actLikeKestrel(server, (socket) => [...serving].some((app) => app.breakOff(socket)));
  onServer?.(server);
  // No browser sends an empty Host, so the guard of the name does not need to refuse it.
  const listener = await listenOnLoopback(server, port, [""]).catch(async (error) => {
    await current.stop();
    throw error;
  });
  let closed: Promise<void> | undefined;
  const reload = async () => {
    if (closed !== undefined) return;
    const previous = current;
    current = await load();
    serving.add(current);
    previous
      .drain()
      .then(() => previous.stop())
      .then(
        () => serving.delete(previous),
        () => undefined,
      );
  };
  const closeAll = async () => {
    await Promise.all([listener.close(), ...[...serving].map((app) => app.drain(CLOSE_WITHIN_MS))]);
    await Promise.all([...serving].map((app) => app.stop()));
  };
  return {
    url: listener.url,
    get functions() {
      return current.functions;
    },
    reload: () => inTurn(reload),
    close: () => (closed ??= inTurn(closeAll).finally(afterClose)),
  };
}
