import { join } from "node:path";
import { parseTimeSpan } from "../clock/time-span.ts";
import { readJson } from "../configuration/json-file.ts";

/** Settings of host.json that this host obeys; everything else there is for the real host. */
export interface HostOptions {
  readonly routePrefix: string;
  readonly customHeaders: Readonly<Record<string, string>>;
  /** Number of functions that run at a time; further requests wait. */
  readonly maxConcurrentRequests: number;
  /** Number of requests that may run or wait; further ones are answered 429. */
  readonly maxOutstandingRequests: number;
  /** Milliseconds after which a function has failed; infinite for `-1`. */
  readonly functionTimeoutMs: number;
}

interface HostJson {
  readonly functionTimeout?: string;
  readonly extensions?: { readonly http?: Partial<Omit<HostOptions, "functionTimeoutMs">> };
}

/** Default time of a function outside of the Consumption plan: ScriptJobHostOptionsSetup.cs in Azure/azure-functions-host. */
const FUNCTION_TIMEOUT = "00:30:00";
/** Longest delay of a timer. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Reads host.json. Throws when it is missing or cannot be understood: it is what makes a folder a Functions app. */
export function readHostOptions(appRoot: string): HostOptions {
  const file = join(appRoot, "host.json");
  const { functionTimeout = FUNCTION_TIMEOUT, extensions } = readJson<HostJson>(file);
  const { routePrefix = "api", customHeaders = {}, ...limits } = extensions?.http ?? {};
  return {
    ...{ routePrefix, customHeaders },
    maxConcurrentRequests: limitOf(limits.maxConcurrentRequests),
    maxOutstandingRequests: limitOf(limits.maxOutstandingRequests),
    functionTimeoutMs: timeoutOf(functionTimeout, file),
  };
}

/** -1, the default outside of the Consumption plan, is no limit. */
function limitOf(value = -1): number {
  return value < 0 ? Number.POSITIVE_INFINITY : value;
}

function timeoutOf(value: string, file: string): number {
  if (/^-(1|00:00:01)$/.test(String(value))) return Number.POSITIVE_INFINITY;
  try {
    const ms = parseTimeSpan(String(value));
    return ms > MAX_DELAY_MS ? Number.POSITIVE_INFINITY : ms;
  } catch (cause) {
    throw new Error(`${file}: functionTimeout: ${(cause as Error).message}`, { cause });
  }
}
