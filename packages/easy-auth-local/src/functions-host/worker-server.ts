import { once } from "node:events";
import type http from "node:http";
import { type AddressInfo, Server } from "node:net";
import type { RegisteredApp } from "./core-api.ts";
import type { ProgrammingModel } from "./core-types.ts";

/** Header with the id of the invocation that a forwarded request belongs to. */
export const INVOCATION_ID_HEADER = "x-ms-invocation-id";

/** HTTP server that the library opens where an app turns HTTP streaming on. */
export interface WorkerServer {
  readonly port: number;
  /** Tells whether the worker has the request, and has neither ended its answer nor lost the connection. */
  isAnswering(invocationId: string): boolean;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** Servers of an app, by its copy of the library. A copy without HTTP streaming has none. */
export type WorkerServers = ReadonlyMap<ProgrammingModel, WorkerServer>;

/** Ends the library's start-up, so that a late app.setup(...) fails as it does in Azure, and returns its servers. */
export async function openWorkerServers({ functions }: RegisteredApp): Promise<WorkerServers> {
  const models = new Set([...functions.values()].map(({ model }) => model));
  const opened = new Map<ProgrammingModel, WorkerServer>();
  for (const model of models) {
    const { servers, ready } = listenOnLoopbackWithin(() => model.getCapabilities({}));
    await ready;
    for (const server of servers) opened.set(model, toWorkerServer(server as http.Server));
  }
  return opened;
}

/**
 * Redirects every `listen` during `call` to loopback. The library listens on every interface and keeps its server to
 * itself; it does so before `call` returns, so that nothing but its own `listen` is redirected.
 */
function listenOnLoopbackWithin<T>(call: () => Promise<T>): { servers: Server[]; ready: Promise<T> } {
  const servers: Server[] = [];
  const listen = Server.prototype.listen;
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    servers.push(this);
    const listening = args.find((arg) => typeof arg === "function");
    return Reflect.apply(listen, this, [{ port: 0, host: "127.0.0.1" }, listening]);
  } as typeof listen;
  try {
    return { servers, ready: call() };
  } finally {
    Server.prototype.listen = listen;
  }
}

function toWorkerServer(server: http.Server): WorkerServer {
  const answers = new Map<string, http.ServerResponse>();
  server.on("request", ({ headers }: http.IncomingMessage, answer: http.ServerResponse) => {
    const invocationId = String(headers[INVOCATION_ID_HEADER]);
    answers.set(invocationId, answer);
    answer.once("close", () => answers.delete(invocationId));
  });
  return {
    port: (server.address() as AddressInfo).port,
    isAnswering: (invocationId) => answers.get(invocationId)?.writableEnded === false,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
