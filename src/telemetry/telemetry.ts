import type { TraceContext } from "@azure/functions";
import {
  type Attributes,
  context,
  INVALID_SPAN_CONTEXT,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { AppError, loggableWord } from "../errors.ts";

/** Name of the app's tracer and meter. */
const SCOPE = "functions-on-behalf-of";

const NOT_RECORDED: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/**
 * Boundaries of the histogram in seconds:
 * https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration
 */
const DURATION_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Boundaries in seconds. A look-up is given up after 0.05. */
const LOOKUP_BOUNDARIES = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1];

/** Outcome of work that did not fail. */
export const OK = "ok";

/** Instruments while something is recorded. Without them, all functions here cost next to nothing. */
let instruments: ReturnType<typeof createInstruments> | undefined;
let countCurrent = () => ({ running: 0, waiting: 0 });
let isSharedCacheSuspended: (() => boolean) | undefined;

/** Starts recording. Requires a registered exporter: an instrument that was made before it never records anything. */
export function beginRecording(): void {
  instruments = createInstruments();
}

/** Stops recording. */
export function endRecording(): void {
  instruments = undefined;
}

function createInstruments() {
  const meter = metrics.getMeter(SCOPE);
  const current = meter.createObservableGauge("exchanges.current", {
    description: "Exchanges at the moment, by state.",
  });
  current.addCallback((result) => {
    for (const [state, count] of Object.entries(countCurrent())) result.observe(count, { state });
  });
  const suspended = meter.createObservableGauge("shared_cache.suspended", {
    description: "1 while the shared cache is left alone because its store failed.",
  });
  suspended.addCallback((result) => {
    if (isSharedCacheSuspended) result.observe(isSharedCacheSuspended() ? 1 : 0);
  });
  return {
    tracer: trace.getTracer(SCOPE),
    lookups: meter.createCounter("token_cache.lookups", { description: "Lookups of users' tokens, by result." }),
    exchanges: meter.createCounter("exchanges", { description: "On-behalf-of exchanges that ended, by outcome." }),
    durations: meter.createHistogram("operation.duration", {
      unit: "s",
      advice: { explicitBucketBoundaries: DURATION_BOUNDARIES },
      description: "Time that requests, verifications, exchanges and calls took, by outcome.",
    }),
    sharedLookups: meter.createHistogram("shared_cache.lookup.duration", {
      unit: "s",
      advice: { explicitBucketBoundaries: LOOKUP_BOUNDARIES },
      description: "Time that look-ups in the shared cache took, by result and store.",
    }),
    droppedWrites: meter.createCounter("shared_cache.dropped_writes", {
      description: "Writes to the shared cache that were given up, by store.",
    }),
  };
}

/** Counts a look-up in the token cache. */
export function countLookup(result: "hit" | "miss"): void {
  instruments?.lookups.add(1, { result });
}

/** Counts a look-up in the shared cache and its time in seconds. */
export function countSharedLookup(result: string, store: string, seconds: number): void {
  instruments?.sharedLookups.record(seconds, { result, store });
}

/** Counts a write to the shared cache that was given up. */
export function countDroppedWrite(store: string): void {
  instruments?.droppedWrites.add(1, { store });
}

/** Sets the function that tells whether the shared cache is suspended, for the gauge. */
export function observeSharedCache(isSuspended: () => boolean): void {
  isSharedCacheSuspended = isSuspended;
}

/** Counts an exchange with Entra, its retry included, by outcome. */
export function countExchange(outcome: string): void {
  instruments?.exchanges.add(1, { outcome });
}

/** Sets the function that reports the current numbers of exchanges. */
export function observeExchanges(count: typeof countCurrent): void {
  countCurrent = count;
}

export interface SpanOptions {
  /** One of a few names: made from settings and endpoints, never from what a caller or a service sent. */
  readonly name: string;
  readonly kind?: SpanKind;
  /** Attributes of our own words and numbers: no token, claim, person's name or text of another service. */
  readonly attributes?: Attributes;
}

/**
 * Runs work as a span of the current trace and measures its time. A failure is recorded by its code, never by its message.
 */
export function withSpan<T>({ name, kind, attributes }: SpanOptions, work: (span: Span) => Promise<T>): Promise<T> {
  if (!instruments) return work(NOT_RECORDED);
  const { tracer, durations } = instruments;
  const options = { kind: kind ?? SpanKind.INTERNAL, attributes: attributes ?? {} };
  return tracer.startActiveSpan(name, options, async (span) => {
    const startedAt = performance.now();
    let outcome = OK;
    try {
      return await work(span);
    } catch (error) {
      outcome = outcomeOf(error);
      span.setStatus({ code: SpanStatusCode.ERROR });
      span.setAttribute("error.type", outcome);
      throw error;
    } finally {
      durations.record((performance.now() - startedAt) / 1000, { operation: name, outcome });
      span.end();
    }
  });
}

/** Returns a failure's code; for other errors, the code or name that their library gave them. */
export function outcomeOf(error: unknown): string {
  if (error instanceof AppError) return error.code;
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  return loggableWord(code) ?? loggableWord(name) ?? "unknown";
}

/** Runs work in the trace of a request, read from its `traceparent` (https://www.w3.org/TR/trace-context/). */
export function inTraceOf<T>({ traceParent, traceState }: TraceContext = {}, work: () => T): T {
  if (!instruments) return work();
  const parent = propagation.extract(ROOT_CONTEXT, { traceparent: traceParent, tracestate: traceState });
  return context.with(parent, work);
}
