/** Part of the stack that receives requests. */
export type Station = "frontend gate" | "frontend" | "API gate" | "function" | "Entra" | "Graph" | "Storage";

/** A token that was sent or answered. Neither its signature nor the token itself is kept. */
export interface SeenToken {
  /** A header's name, or a member of a form or an answer. */
  readonly where: string;
  /** Undefined for a token that is no JWT. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** Reason why a request failed, as far as the answer tells it. */
export interface Failure {
  /** The API's own code, `AADSTS…`, Graph's code; else the status. */
  readonly code: string;
  readonly text: string | undefined;
}

/** One request to a station, and its answer. */
export interface Hop {
  readonly station: Station;
  /** "browser" or "client" for a request from outside. */
  readonly sender: Station | "browser" | "client";
  /** Number of stations that the request passed before. */
  readonly depth: number;
  /** Names this hop to the next one, in `traceparent`. */
  readonly spanId: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly method: string;
  /** Path with its query, without secrets. */
  readonly path: string;
  /** Undefined while it runs. */
  durationMs?: number;
  /** Undefined while it runs, and when the connection ended without a whole answer. */
  status?: number;
  failure?: Failure;
  readonly tokens: SeenToken[];
  /** Further facts, such as the grant; name and value. */
  readonly notes: (readonly [name: string, value: string])[];
  /** Lines that the function logged. */
  readonly logs: string[];
}

/** A request from outside, and all that it led to. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Hops in the order in which they began. */
  readonly hops: Hop[];
  /** Key or name of the user, by the tokens that were seen. */
  account: string | undefined;
  /** Hash of the browser's session cookie; it opens no session. */
  session?: string;
}

export function isRunning({ durationMs }: Hop): boolean {
  return durationMs === undefined;
}

/** Returns whether a hop ended with a status from 400 on, or without an answer. */
export function hasFailed(hop: Hop): boolean {
  return !isRunning(hop) && (hop.status === undefined || hop.status >= 400);
}
