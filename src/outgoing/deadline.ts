import { AppError } from "../errors.ts";

/** The end of a request's time. */
export interface Deadline {
  /** Aborted when the time is up. */
  readonly signal: AbortSignal;
  /** Returns the milliseconds left. */
  timeLeft(): number;
}

/** Grace period after the abort, so that the work's own error wins. */
const GRACE_MS = 50;

/**
 * Runs work within a time. At its end the deadline's signal is aborted, and 50 ms later this rejects whatever the work does.
 * Work that fails has the signal aborted too: nothing of it goes on.
 *
 * @throws AppError `downstream_timeout`, or what the work throws
 */
export function withDeadline<T>(timeoutMs: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const endsAt = performance.now() + timeoutMs;
  const deadline = { signal: controller.signal, timeLeft: () => endsAt - performance.now() };
  return new Promise((resolve, reject) => {
    let timer = setTimeout(() => {
      controller.abort();
      timer = setTimeout(reject, GRACE_MS, new AppError("downstream_timeout", { hint: "The request's time is up." }));
    }, timeoutMs);
    const onError = (error: unknown) => {
      controller.abort();
      reject(error);
    };
    const end = () => clearTimeout(timer);
    work(deadline).then(resolve, onError).then(end, end);
  });
}

/** The part of an `AbortSignal` that the Azure SDK's own kind has too. */
interface Abortable {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Waits for a promise until the signal is aborted; then rejects with the reason. The promise's work goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: Abortable, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason());
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
