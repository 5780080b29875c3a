import type { LogLevel } from "./core-types.ts";

/** One line of the host's log: what `func start` prints with its time in front. */
export interface HostLog {
  readonly level: LogLevel;
  /** "User" is what a function wrote, "System" what the host and the library did. */
  readonly category: "User" | "System";
  readonly functionName?: string;
  readonly invocationId?: string;
  /** Of the W3C trace that the invocation is part of: 32 hexadecimal digits. */
  readonly traceId?: string;
  readonly message: string;
}
