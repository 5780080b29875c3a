const TICK_MS = 10;

/**
 * Starts a clock for durations that leaves out the time during which a busy machine kept this process from running. In
 * milliseconds.
 */
export function startLivedTime(): { readonly now: () => number; readonly stop: () => void } {
  let ticks = 0;
  // Missed ticks are not made up for.
  const timer = setInterval(() => {
    ticks += 1;
  }, TICK_MS);
  return { now: () => ticks * TICK_MS, stop: () => clearInterval(timer) };
}
