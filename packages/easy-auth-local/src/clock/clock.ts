/** The time that this whole process lives by. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** How far the clock is ahead of the machine's, in seconds. */
  readonly advancedSeconds: number;
  /**
   * Puts the clock forward. Timers do not notice: what waits, waits as long as before.
   *
   * @throws RangeError unless `seconds` is more than 0 and at most 31,536,000, a year
   */
  advance(seconds: number): void;
  /** Tells of every advance, with `advancedSeconds` after it. Returns what ends that. */
  onAdvance(listener: (advancedSeconds: number) => void): () => void;
  /** Gives the process its own time back. */
  close(): void;
}

const MOST_SECONDS = 31_536_000;

/**
 * Starts a clock that the whole process reads as its own: `Date.now()` and `new Date()`, wherever they are called. So the
 * emulators and the app, which knows nothing of them, agree on what has expired. Start it before the app is loaded: code
 * that kept the function `Date.now` from before keeps the machine's time.
 */
export function startClock(): Clock {
  const machineDate = Date;
  let aheadMs = 0;
  const listeners = new Set<(advancedSeconds: number) => void>();
  const now = () => machineDate.now() + aheadMs;
  // A proxy rather than a subclass, so that dates made by Node itself are still instances of Date.
  const shifted = new Proxy(machineDate, {
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new machineDate(now()).toString(),
  });
  globalThis.Date = shifted;
  return {
    now,
    get advancedSeconds() {
      return aheadMs / 1000;
    },
    advance: (seconds) => {
      if (!(seconds > 0 && seconds <= MOST_SECONDS)) {
        throw new RangeError(`The clock goes forward by more than 0 and at most ${MOST_SECONDS} seconds.`);
      }
      aheadMs += seconds * 1000;
      for (const listener of listeners) listener(aheadMs / 1000);
    },
    onAdvance: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close: () => {
      // For code that still holds `now`.
      aheadMs = 0;
      if (globalThis.Date === shifted) globalThis.Date = machineDate;
    },
  };
}
