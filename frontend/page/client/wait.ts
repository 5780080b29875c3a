/**
 * Resolves after some seconds, telling how many are left each second, 0 at the end. Rejects with the signal's reason when
 * it is aborted.
 */
export async function countDown(
  seconds: number,
  onSecond: (secondsLeft: number) => void,
  signal?: AbortSignal | null,
): Promise<void> {
  // Uses the clock instead of counting, since timers of a background tab are late.
  const end = Date.now() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = end - Date.now()) {
    onSecond(Math.ceil(leftMs / 1000));
    await pause(leftMs % 1000 || 1000, signal);
  }
  onSecond(0);
}

function pause(ms: number, signal?: AbortSignal | null): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
