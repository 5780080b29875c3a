import type { Server, ServerResponse } from "node:http";
import { listenOnLoopback } from "../loopback-server.ts";
import { readHttpOptions } from "./app-loader.ts";
import type { LogHandler } from "./core-types.ts";
import type { HostLog } from "./host-log.ts";
import { createFunctionsServer, selectHttpFunctions } from "./http-server.ts";
import { type HostedFunction, orderByName } from "./routes.ts";
import { startApp } from "./running-app.ts";

export type { HostLog } from "./host-log.ts";
export type { HostedFunction } from "./routes.ts";

export interface FunctionsHost {
  /** `http://localhost:<port>`, without a slash at the end. */
  readonly url: string;
  /** What is served, in the order in which routes are tried. */
  readonly functions: readonly HostedFunction[];
  /**
   * Stops accepting, waits `CLOSE_WITHIN_MS` at most for what is running, runs the appTerminate hooks and gives the
   * environment back. May be called twice. What the app itself left open (timers, sockets) stays open.
   */
  close(): Promise<void>;
}

export interface FunctionsHostOptions {
  /** Folder with host.json and package.json. */
  readonly appRoot: string;
  /** Default 0, a free one. */
  readonly port?: number;
  /** The `Values` of local.settings.json. Unlike with `func`, they win over the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly onLog?: (log: HostLog) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: Server) => void;
}

const CLOSE_WITHIN_MS = 5000;

let latestStart: Promise<unknown> = Promise.resolve();

/**
 * Loads a built app into this process and serves its HTTP functions on the loopback interface, with the real host's
 * routing and HTTP conversion. Rejects when the app cannot be loaded or asks for something that is not imitated.
 *
 * Not done: function keys (authLevel), other triggers than HTTP, timeouts and other limits of host.json. Apps share
 * `process.env` and the working directory, so two hosts at once see each other's settings.
 */
export function startFunctionsHost(options: FunctionsHostOptions): Promise<FunctionsHost> {
  const start = latestStart.then(() => startHost(options));
  latestStart = start.catch(() => undefined);
  return start;
}

/** The lines that `func start` prints: a heading, then name, methods and URL of each function. */
export function describeFunctions({ url, functions }: FunctionsHost): string {
  const lines = functions.map(({ name, methods, route }) => {
    const methodList = methods.length > 0 ? `[${methods.join(",")}] ` : "";
    return `\t${name}: ${methodList}${url}/${route}\n`;
  });
  return ["Functions:\n", ...lines].join("\n");
}

async function startHost({ appRoot, port = 0, settings = {}, onLog = () => {}, onServer }: FunctionsHostOptions) {
  const { routePrefix, customHeaders } = readHttpOptions(appRoot);
  const log: LogHandler = (level, category, message) =>
    onLog({ level, category: category === "user" ? "User" : "System", message });
  const app = await startApp(appRoot, settings, log);
  try {
    const functions = selectHttpFunctions(app.registration, routePrefix);
    const running = new Map<ServerResponse, Promise<void>>();
    const serving = { functions, hooks: app.registration.hooks, customHeaders, onLog };
    const server = createFunctionsServer(serving, running);
    onServer?.(server);
    const listener = await listenOnLoopback(server, port);
    const closeAll = async () => {
      for (const answer of running.keys()) answer.shouldKeepAlive = false;
      await Promise.all([listener.close(), settleWithin(CLOSE_WITHIN_MS, running.values())]);
      await app.stop();
    };
    let closed: Promise<void> | undefined;
    return {
      url: listener.url,
      functions: orderByName(functions).map(({ name, methods, route }) => ({ name, methods, route })),
      close: () => (closed ??= closeAll()),
    };
  } catch (error) {
    await app.stop();
    throw error;
  }
}

async function settleWithin(timeoutMs: number, running: Iterable<Promise<void>>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.all(running), timeout]);
  clearTimeout(timer);
}
