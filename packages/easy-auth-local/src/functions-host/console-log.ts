import type { HostLog } from "./host-log.ts";
import type { HostedFunction } from "./routes.ts";

/** What `func start` does not print unless told to. */
const QUIET_LEVELS: ReadonlySet<HostLog["level"]> = new Set(["trace", "debug"]);

/** A line as `func start` prints it, with the time in front; undefined for what it leaves out. */
export function formatLog({ level, category, message }: HostLog, now: Date): string | undefined {
  const isHostDetail = category === "System" && level === "information" && !message.startsWith("Execut");
  return QUIET_LEVELS.has(level) || isHostDetail ? undefined : `[${now.toISOString()}] ${message}`;
}

/** The lines that `func start` prints: a heading, then name, methods and URL of each function. */
export function describeFunctions(url: string, functions: readonly HostedFunction[]): string {
  const lines = functions.map(({ name, methods, route }) => {
    const methodList = methods.length > 0 ? `[${methods.join(",")}] ` : "";
    return `\t${name}: ${methodList}${url}/${route}\n`;
  });
  return ["Functions:\n", ...lines].join("\n");
}
