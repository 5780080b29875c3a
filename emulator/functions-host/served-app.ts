import type { IncomingMessage, ServerResponse } from "node:http";
import pLimit from "p-limit";
import { type HttpOptions, readHttpOptions } from "./app-loader.ts";
import type { RegisteredFunction, Registration } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import type { HostLog } from "./host-log.ts";
import { BodyTooLargeError, toRpcRequest, toTraceContext, writeRpcResponse } from "./http-conversion.ts";
import { invoke } from "./invocation.ts";
import { createRouter, type HostedFunction, orderByName, type RouteMatch } from "./routes.ts";
import { startApp } from "./running-app.ts";

/** A loaded app that answers requests. */
export interface ServedApp {
  /** In the order in which routes are tried. */
  readonly functions: readonly HostedFunction[];
  answer(request: IncomingMessage, answer: ServerResponse): void;
  /** Resolves when no function runs, or after `timeoutMs`; then connections end with the answers under way, too. */
  drain(timeoutMs?: number): Promise<void>;
  /** Runs the appTerminate hooks, once. */
  stop(): Promise<void>;
}

/** A registered function with an HTTP trigger. */
interface HttpFunction extends HostedFunction {
  readonly triggerName: string;
  readonly registered: RegisteredFunction;
}

interface Serving {
  readonly hooks: Registration["hooks"];
  readonly onLog: (log: HostLog) => void;
}

const HOME_PAGE = "The Functions host is running and has loaded your app.\n";

/** Loads the app and readies it for requests. Rejects when it cannot be loaded, or served. */
export async function loadServedApp(appRoot: string, onLog: (log: HostLog) => void): Promise<ServedApp> {
  const http = readHttpOptions(appRoot);
  const log: LogHandler = (level, category, message) =>
    onLog({ level, category: category === "user" ? "User" : "System", message });
  const { registration, stop } = await startApp(appRoot, log);
  let stopped: Promise<void> | undefined;
  const stopOnce = () => (stopped ??= stop());
  try {
    const functions = selectHttpFunctions(registration, http.routePrefix);
    const { answer, running } = createAnswerer(functions, http, { hooks: registration.hooks, onLog });
    return {
      functions: orderByName(functions).map(({ name, methods, route }) => ({ name, methods, route })),
      answer,
      drain: (timeoutMs) => {
        if (timeoutMs !== undefined) for (const answer of running.keys()) answer.shouldKeepAlive = false;
        return settleWithin(timeoutMs, running.values());
      },
      stop: stopOnce,
    };
  } catch (error) {
    await stopOnce();
    throw error;
  }
}

/** What was registered with an HTTP trigger and is not disabled. Warns of the rest, which nothing here would ever start. */
function selectHttpFunctions({ functions, log }: Registration, routePrefix: string): HttpFunction[] {
  return [...functions.values()].flatMap((registered) => {
    const { name, bindings } = registered.metadata;
    if (/^(true|1)$/i.test(process.env[`AzureWebJobs.${name}.Disabled`] ?? "")) {
      log("warning", "system", `Function ${name} is disabled.`);
      return [];
    }
    const [triggerName, trigger] = Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
    if (!triggerName || trigger?.type.toLowerCase() !== "httptrigger") {
      log(
        "warning",
        "system",
        `Function "${name}" is not served: this host has no ${trigger?.type}, only HTTP triggers.`,
      );
      return [];
    }
    const methods = (trigger.methods ?? []).map((method) => method.toUpperCase());
    const route = [routePrefix, trigger.route || name].filter((part) => part !== "").join("/");
    return { name, methods, route, triggerName, registered };
  });
}

/**
 * Answers with the functions. As many run at a time as host.json says, others wait, and what would wait beyond is
 * answered 429. `running` holds each answer under way, with a promise of its end; those promises do not reject.
 */
function createAnswerer(functions: readonly HttpFunction[], http: HttpOptions, serving: Serving) {
  const findRoute = createRouter(functions);
  const running = new Map<ServerResponse, Promise<void>>();
  const limit = pLimit(http.maxConcurrentRequests);

  function answer(request: IncomingMessage, answer: ServerResponse): void {
    for (const [name, value] of Object.entries(http.customHeaders)) answer.setHeader(name, value);
    const path = request.url?.split("?", 1)[0] ?? "/";
    const match = findRoute(request.method ?? "GET", path);
    if (match && running.size >= http.maxOutstandingRequests) {
      endEmpty(answer, 429);
    } else if (match) {
      const answered = limit(() => answerFrom(match, serving, request, answer));
      running.set(
        answer,
        answered.finally(() => running.delete(answer)),
      );
    } else if (path === "/") {
      answer.setHeader("content-type", "text/plain").end(HOME_PAGE);
    } else {
      endEmpty(answer, 404);
    }
  }

  return { answer, running };
}

async function answerFrom(
  { hosted: { registered, triggerName }, params }: RouteMatch<HttpFunction>,
  { hooks, onLog }: Serving,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  try {
    const rpcRequest = await toRpcRequest(request, params);
    const traceContext = toTraceContext(request);
    const response = await invoke({ registered, triggerName, request: rpcRequest, traceContext, hooks, onLog });
    writeRpcResponse(answer, response);
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      answer.shouldKeepAlive = false; // the body is still on its way
      endEmpty(answer, 413);
    } else if (!request.socket.destroyed) {
      const message = `The answer could not be sent: ${error instanceof Error ? error.stack : error}`;
      onLog({ level: "error", category: "System", functionName: registered.metadata.name, message });
      for (const name of answer.getHeaderNames()) answer.removeHeader(name);
      endEmpty(answer, 500);
    }
  }
}

function endEmpty(answer: ServerResponse, status: number): void {
  answer.statusCode = status;
  answer.end();
}

async function settleWithin(timeoutMs: number | undefined, running: Iterable<Promise<void>>): Promise<void> {
  const settled = Promise.all(running);
  if (timeoutMs === undefined) return void (await settled);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([settled, timeout]);
  clearTimeout(timer);
}
