/** Clock of this whole process. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Seconds by which the clock is ahead of the machine's. */
  readonly advancedSeconds: number;
  /**
   * Puts the clock forward. Timers that run are not shortened.
   *
   * @throws RangeError unless `seconds` is more than 0 and at most 31,536,000, a year
   */
  advance(seconds: number): void;
  /** Calls the listener after each advance with the new `advancedSeconds`. Returns a function that removes it. */
  onAdvance(listener: (advancedSeconds: number) => void): () => void;
  /** Gives the process its own time back. */
  close(): void;
}

const MOST_SECONDS = 31_536_000;

/**
 * Starts a clock that the whole process reads by `Date.now()` and `new Date()`, so that the emulators and the app agree
 * on what has expired. Has to start before the app is loaded: code that has kept the function `Date.now` keeps the
 * machine's time.
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
