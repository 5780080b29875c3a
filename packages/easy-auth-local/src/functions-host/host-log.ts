import type { LogLevel } from "./core-types.ts";

/** Line of the host's log, as `func start` prints it after the time. */
export interface HostLog {
  readonly level: LogLevel;
  /** "User" for a line that a function wrote, "System" for one of the host or the library. */
  readonly category: "User" | "System";
  readonly functionName?: string;
  readonly invocationId?: string;
  /** Id of the W3C trace that the invocation is part of: 32 hexadecimal digits. */
  readonly traceId?: string;
  readonly message: string;
}
