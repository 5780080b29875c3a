import type { HostLog } from "./host-log.ts";
import type { HostedFunction } from "./routes.ts";

/** Levels that `func start` does not print unless it is configured to. */
const QUIET_LEVELS: ReadonlySet<HostLog["level"]> = new Set(["trace", "debug"]);

/** Returns a line as `func start` prints it, with the time in front; undefined for one that it leaves out. */
export function formatLog({ level, category, message }: HostLog, now: Date): string | undefined {
  const isHostDetail = category === "System" && level === "information" && !message.startsWith("Execut");
  return QUIET_LEVELS.has(level) || isHostDetail ? undefined : `[${now.toISOString()}] ${message}`;
}

/** Returns the list that `func start` prints: a heading, then name, methods and URL of each function. */
export function describeFunctions(url: string, functions: readonly HostedFunction[]): string {
  const lines = functions.map(({ name, methods, route }) => {
    const methodList = methods.length > 0 ? `[${methods.join(",")}] ` : "";
    return `\t${name}: ${methodList}${url}/${route}\n`;
  });
  return ["Functions:\n", ...lines].join("\n");
}
