import type { IncomingMessage, ServerResponse } from "node:http";
import { createAnswerer, type HttpFunction, type Serving } from "./answerer.ts";
import { readHttpOptions } from "./app-loader.ts";
import type { Registration } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import { type HostedFunction, orderByName } from "./routes.ts";
import { startApp } from "./running-app.ts";

/** A loaded app that answers requests. */
export interface ServedApp {
  /** In the order in which routes are tried. */
  readonly functions: readonly HostedFunction[];
  answer(request: IncomingMessage, answer: ServerResponse): void;
  /** Resolves when no function runs, or after `timeoutMs`; then connections end with the answers under way, too. */
  drain(timeoutMs?: number): Promise<void>;
  /** Runs the appTerminate hooks and closes what the app's worker listens with, once. */
  stop(): Promise<void>;
}

/** Loads the app and readies it for requests. Rejects when it cannot be loaded, or served. */
export async function loadServedApp(
  appRoot: string,
  { onLog, activityTimeoutMs }: Pick<Serving, "onLog" | "activityTimeoutMs">,
): Promise<ServedApp> {
  const http = readHttpOptions(appRoot);
  const log: LogHandler = (level, category, message) =>
    onLog({ level, category: category === "user" ? "User" : "System", message });
  const { registration, workerServers, stop } = await startApp(appRoot, log);
  let stopped: Promise<void> | undefined;
  const stopOnce = () => (stopped ??= stop());
  try {
    const functions = selectHttpFunctions(registration, http.routePrefix);
    const serving = { hooks: registration.hooks, workerServers, activityTimeoutMs, onLog };
    const { answer, running } = createAnswerer(functions, http, serving);
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
