import { AsyncLocalStorage } from "node:async_hooks";
import { LRUCache } from "lru-cache";
import type { HostLog } from "../functions-host/host-log.ts";
import { type Hop, isRunning, type SeenToken, type Trace } from "./hop.ts";
import { safeText } from "./secrets.ts";

const MAX_TRACES = 200;
const MAX_HOPS = 100;
const MAX_LOGS = 20;
const MAX_SESSIONS = 200;
const MAX_LOG_LENGTH = 2000;

interface Current {
  readonly trace: Trace;
  readonly hop: Hop;
}

export interface TracesOptions {
  /** Short name of the user with this `oid`. */
  readonly accountKey?: (objectId: string) => string | undefined;
  /** Called when all hops of a trace have ended, with those that are new since the last call. */
  readonly onSettled?: (trace: Trace, hops: readonly Hop[]) => void;
}

/** The last 200 requests from outside with all requests that they caused, in memory only. */
export class Traces {
  readonly #kept = new Map<string, Trace>();
  readonly #told = new WeakSet<Hop>();
  readonly #current = new AsyncLocalStorage<Current>();
  /** Users of browsers' sessions. */
  readonly #users = new LRUCache<string, string>({ max: MAX_SESSIONS });
  readonly #options: TracesOptions;
  /** Value that changes with every change of a trace. */
  version = 0;

  constructor(options: TracesOptions = {}) {
    this.#options = options;
  }

  /** Newest first. */
  get recent(): readonly Trace[] {
    return [...this.#kept.values()].reverse();
  }

  /** Returns the user of a trace: by its tokens, or by the session's other requests. */
  userOf({ account, session }: Trace): string | undefined {
    return account ?? (session === undefined ? undefined : this.#users.get(session));
  }

  /** Hop and trace that the running code belongs to. */
  get current(): Current | undefined {
    return this.#current.getStore();
  }

  /** Value of `traceparent` for a request that this code sends. */
  get traceParent(): string | undefined {
    const { trace, hop } = this.#current.getStore() ?? {};
    return trace && hop && `00-${trace.id}-${hop.spanId}-00`;
  }

  /** Returns the trace of an id; begins it when there is none. */
  traceOf(id: string): Trace {
    const known = this.#kept.get(id);
    if (known) return known;
    const trace: Trace = { id, hops: [], account: undefined };
    this.#kept.set(id, trace);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= MAX_TRACES) break;
      this.#kept.delete(oldest);
    }
    return trace;
  }

  /** Adds a hop and runs its work: requests that the work sends are known to come from this hop. */
  run<T>(trace: Trace, hop: Hop, work: () => T): T {
    this.add(trace, hop);
    return this.#current.run({ trace, hop }, work);
  }

  /** Adds a hop of which only the end is observed. */
  add(trace: Trace, hop: Hop): void {
    trace.hops.push(hop);
    if (trace.hops.length > MAX_HOPS) trace.hops.shift();
    this.#noteAccount(trace, objectIdIn(hop.tokens), hop.tokens);
    this.version += 1;
  }

  /** Completes the hop that the running code belongs to. */
  complete(details: { tokens?: readonly SeenToken[]; notes?: Hop["notes"]; failure?: Hop["failure"] }): void {
    const { trace, hop } = this.#current.getStore() ?? {};
    if (!trace || !hop) return;
    hop.tokens.push(...(details.tokens ?? []));
    hop.notes.push(...(details.notes ?? []));
    if (details.failure) hop.failure = details.failure;
    this.#noteAccount(trace, objectIdIn(hop.tokens), hop.tokens);
    const picked = details.notes?.find(([name]) => name === "account")?.[1];
    if (picked !== undefined) trace.account ??= picked;
    this.version += 1;
  }

  /** Ends a hop. `status` is undefined when there was no whole answer. */
  end(trace: Trace, hop: Hop, status: number | undefined, durationMs: number): void {
    hop.durationMs = durationMs;
    if (status !== undefined) hop.status = status;
    this.version += 1;
    if (trace.hops.some(isRunning)) return;
    const untold = trace.hops.filter((one) => !this.#told.has(one));
    for (const one of untold) this.#told.add(one);
    this.#options.onSettled?.(trace, untold);
  }

  /** Keeps a line that a function logged, for its hop. */
  log({ traceId, category, functionName, level, message }: HostLog): void {
    const trace = this.#kept.get(traceId ?? "");
    const hop = trace?.hops.findLast(({ station }) => station === "function");
    if (!hop || functionName === undefined) return;
    if (!hop.notes.some(([name]) => name === "Function")) hop.notes.push(["Function", functionName]);
    const isWorthIt = category === "User" || level === "error" || level === "warning";
    if (isWorthIt && hop.logs.length < MAX_LOGS) hop.logs.push(`${level}: ${safeText(message, MAX_LOG_LENGTH)}`);
    this.version += 1;
  }

  /** Notes the user that a gate named, by object id. */
  noteUser(trace: Trace, objectId: string): void {
    this.#noteAccount(trace, objectId, []);
  }

  /** Notes the user: the subject of the first token that names one. */
  #noteAccount(trace: Trace, objectId: string | undefined, tokens: readonly SeenToken[]): void {
    if (objectId === undefined) return;
    const claims = tokens.find((token) => token.claims?.oid !== undefined)?.claims;
    const name = claims?.preferred_username ?? claims?.upn ?? claims?.unique_name ?? objectId;
    trace.account ??= this.#options.accountKey?.(objectId) ?? String(name);
    if (trace.session !== undefined) this.#users.set(trace.session, trace.account);
  }
}

function objectIdIn(tokens: readonly SeenToken[]): string | undefined {
  const oid = tokens.find((token) => token.claims?.oid !== undefined)?.claims?.oid;
  return oid === undefined ? undefined : String(oid);
}
