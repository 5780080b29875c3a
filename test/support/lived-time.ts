const TICK_MS = 10;

/**
 * Milliseconds that this process has lived, to compare durations by: a wait counts in full, and the time that a busy machine
 * keeps the process from running does not.
 */
export function startLivedTime(): { readonly now: () => number; readonly stop: () => void } {
  let ticks = 0;
  // Ticks that were missed are not made up for.
  const timer = setInterval(() => {
    ticks += 1;
  }, TICK_MS);
  return { now: () => ticks * TICK_MS, stop: () => clearInterval(timer) };
}
