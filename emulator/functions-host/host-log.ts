import type { LogLevel } from "./core-types.ts";

/** One line of the host's log: what `func start` prints with its time in front. */
export interface HostLog {
  readonly level: LogLevel;
  /** "User" is what a function wrote, "System" what the host and the library did. */
  readonly category: "User" | "System";
  readonly functionName?: string;
  readonly invocationId?: string;
  readonly message: string;
}
