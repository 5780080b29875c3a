import type { Trace } from "./hop.ts";

/** Requests that follow each other at once, such as a page and all that it asks for. Newest first. */
export interface Action {
  readonly traces: readonly Trace[];
  /** Key or name of the user; undefined when nobody is signed in. */
  readonly user: string | undefined;
}

/** Milliseconds between the end of a request and the start of the next, within one action. */
const PAUSE_MS = 1000;

/** Groups traces into actions, both newest first. Requests of two users are never one action. */
export function actionsOf(traces: readonly Trace[], userOf: (trace: Trace) => string | undefined): readonly Action[] {
  const actions: { traces: Trace[]; user: string | undefined; endedAt: number }[] = [];
  for (const trace of [...traces].reverse()) {
    const user = userOf(trace);
    const last = actions.at(-1);
    const isSameUser = user === undefined || last?.user === undefined || last.user === user;
    if (last && isSameUser && startOf(trace) - last.endedAt < PAUSE_MS) {
      last.traces.unshift(trace);
      last.user ??= user;
      last.endedAt = Math.max(last.endedAt, endOf(trace));
    } else {
      actions.push({ traces: [trace], user, endedAt: endOf(trace) });
    }
  }
  return actions.reverse();
}

function startOf({ hops }: Trace): number {
  return hops[0]?.startedAt ?? 0;
}

function endOf(trace: Trace): number {
  const ends = trace.hops.map(({ startedAt, durationMs = 0 }) => startedAt + durationMs);
  return Math.max(startOf(trace), ...ends);
}
