import { setTimeout as sleep } from "node:timers/promises";

/**
 * Makes attempts until `delayBeforeRetry` returns undefined; the last outcome is the result. `delayBeforeRetry` takes an outcome
 * and the number of retries before it, and returns the milliseconds to wait. Rejects with AbortError when the signal is aborted
 * during a wait.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  delayBeforeRetry: (
    outcome: PromiseSettledResult<T>,
    retries: number,
  ) => Promise<number | undefined> | number | undefined,
  signal?: AbortSignal,
): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    let outcome: PromiseSettledResult<T>;
    try {
      outcome = { status: "fulfilled", value: await attempt() };
    } catch (reason) {
      outcome = { status: "rejected", reason };
    }
    const delayMs = await delayBeforeRetry(outcome, retries);
    if (delayMs === undefined) {
      if (outcome.status === "rejected") throw outcome.reason;
      return outcome.value;
    }
    await sleep(delayMs, undefined, { signal });
  }
}

/**
 * Returns the milliseconds to wait before a retry: `firstMs`, doubled with each retry before it, and up to half as much again
 * at random, so that clients which failed together do not retry together.
 */
export function backoffMs(firstMs: number, retries: number): number {
  return firstMs * 2 ** retries * (1 + Math.random() / 2);
}
