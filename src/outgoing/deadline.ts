import { AppError } from "../errors.ts";

/** When a request has to be over. */
export interface Deadline {
  /** Aborted when the time is up. */
  readonly signal: AbortSignal;
  /** Milliseconds until then. */
  timeLeft(): number;
}

/** How long work that obeys its signal has to say itself what it was waiting for. */
const GRACE_MS = 50;

/**
 * Runs work for at most a time: then its deadline's signal is aborted, and 50 ms later this rejects whatever the work does.
 * Work that fails has the signal aborted too: nothing of it goes on. The signal's controller is for what outlives the work,
 * the body of its answer.
 *
 * @throws AppError `downstream_timeout`, or what the work throws
 */
export async function withDeadline<T>(
  timeoutMs: number,
  work: (deadline: Deadline, controller: AbortController) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const endsAt = performance.now() + timeoutMs;
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      timer = setTimeout(
        () => reject(new AppError("downstream_timeout", { hint: "The request's time is up." })),
        GRACE_MS,
      );
    }, timeoutMs);
  });
  try {
    return await Promise.race([
      work({ signal: controller.signal, timeLeft: () => endsAt - performance.now() }, controller),
      timeUp,
    ]);
  } catch (error) {
    controller.abort();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Of `AbortSignal`, and of what the Azure SDK takes for one. */
interface Abortable {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Waits for a promise until the signal is aborted; then rejects with the reason. What was waited for goes on. */
export function untilAborted<T>(promise: Promise<T>, signal: Abortable, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason());
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
