import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createAnswerer, type HttpFunction, type Serving } from "./answerer.ts";
import type { RegisteredApp, RegisteredFunction } from "./core-api.ts";
import type { Binding, LogHandler, LogLevel } from "./core-types.ts";
import { readHostOptions } from "./host-json.ts";
import { type HostedFunction, orderByName } from "./routes.ts";
import { startApp } from "./running-app.ts";

/** Loaded app that answers requests. */
export interface ServedApp {
  /** HTTP functions, in the order in which routes are tried. */
  readonly functions: readonly HostedFunction[];
  answer(request: IncomingMessage, answer: ServerResponse): void;
  /** Takes note of a broken connection. Returns false when no function works for it. */
  breakOff(socket: Socket): boolean;
  /** Resolves when no function runs, or after `timeoutMs`; if that is given, connections end with the answers under way. */
  drain(timeoutMs?: number): Promise<void>;
  /** Runs the appTerminate hooks and closes what the app's worker listens with, once. */
  stop(): Promise<void>;
}

/** Loads the app and readies it for requests. Rejects when it cannot be loaded, or served. */
export async function loadServedApp(
  appRoot: string,
  { onLog, activityTimeoutMs }: Pick<Serving, "onLog" | "activityTimeoutMs">,
): Promise<ServedApp> {
  const options = readHostOptions(appRoot);
  const log: LogHandler = (level, category, message) =>
    onLog({ level, category: category === "user" ? "User" : "System", message });
  const { registration, workerServers, stop } = await startApp(appRoot, log);
  let stopped: Promise<void> | undefined;
  const stopOnce = () => (stopped ??= stop());
  try {
    const functions = selectHttpFunctions(registration, options.routePrefix);
    const { functionTimeoutMs } = options;
    const serving = { hooks: registration.hooks, workerServers, activityTimeoutMs, functionTimeoutMs, onLog };
    const { answer, running, breakOff } = createAnswerer(functions, options, serving);
    return {
      functions: orderByName(functions).map(({ name, methods, route }) => ({ name, methods, route })),
      answer,
      breakOff,
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

/** Returns the functions with an HTTP trigger that the real host would serve. Logs why it does not serve the others. */
function selectHttpFunctions({ functions, log }: RegisteredApp, routePrefix: string): HttpFunction[] {
  const selected: HttpFunction[] = [];
  for (const registered of functions.values()) {
    const hosted = toHttpFunction(registered, routePrefix);
    const problem = problemOf(registered, hosted, selected);
    if (problem) log(problem.level, "system", problem.message);
    else if (hosted) selected.push(hosted);
  }
  return selected;
}

/** Returns undefined for a function with another trigger. */
function toHttpFunction(registered: RegisteredFunction, routePrefix: string): HttpFunction | undefined {
  const { name } = registered.metadata;
  const [triggerName, trigger] = triggerOf(registered) ?? [];
  if (!triggerName || trigger?.type.toLowerCase() !== "httptrigger") return undefined;
  const methods = (trigger.methods ?? []).map((method) => method.toUpperCase());
  const ownRoute = (trigger.route || name).replaceAll(/^\/+|\/+$/g, "");
  const route = [routePrefix, ownRoute].filter((part) => part !== "").join("/");
  return { name, methods, route, ownRoute, triggerName, registered };
}

/** Source of the routes' rules: `ValidateFunction` in ScriptHost.cs, Azure/azure-functions-host. */
function problemOf(
  registered: RegisteredFunction,
  hosted: HttpFunction | undefined,
  others: readonly HttpFunction[],
): { readonly level: LogLevel; readonly message: string } | undefined {
  const { name } = registered.metadata;
  if (/^(true|1)$/i.test(process.env[`AzureWebJobs.${name}.Disabled`] ?? "")) {
    return { level: "warning", message: `Function ${name} is disabled.` };
  }
  if (!hosted) {
    const type = triggerOf(registered)?.[1].type;
    return {
      level: "warning",
      message: `Function "${name}" does not run here: it has a ${type}, not an HTTP trigger.`,
    };
  }
  const inError = (reason: string) => ({
    level: "error" as const,
    message: `The '${name}' function is in error: ${reason}`,
  });
  if (/^(admin|runtime)/i.test(hosted.ownRoute)) {
    return inError("The specified route conflicts with one or more built in routes.");
  }
  const other = others.find((one) => isSameRoute(one, hosted));
  return other && inError(`The route specified conflicts with the route defined by function '${other.name}'.`);
}

function triggerOf({ metadata }: RegisteredFunction): [name: string, trigger: Binding] | undefined {
  return Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type));
}

function isSameRoute(one: HttpFunction, other: HttpFunction): boolean {
  const [route, otherRoute] = [one, other].map(({ ownRoute }) => ownRoute.toLowerCase());
  if (route !== otherRoute) return false;
  return (
    one.methods.length === 0 ||
    other.methods.length === 0 ||
    one.methods.some((method) => other.methods.includes(method))
  );
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
