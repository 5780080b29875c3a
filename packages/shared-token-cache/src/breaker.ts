const FAILURES = 5;
const SPAN_MS = 250;
const OPEN_MS = { least: 2500, most: 7500 };

export interface BreakerOptions {
  /** Called each time it opens. */
  readonly onOpen: () => void;
  /** Returns milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * A circuit breaker: open after at least 5 failures in a row that span at least 250 ms, since a stall of this process
 * makes many calls fail at one moment while the store is well. Stays open for 2.5 to 7.5 s, then lets one call through,
 * whose outcome closes it or opens it again.
 */
export class Breaker {
  readonly #onOpen: () => void;
  readonly #now: () => number;
  readonly #random: () => number;
  #failures = 0;
  #firstFailureAt = 0;
  /** Undefined while closed. */
  #opensUntil: number | undefined;
  #isProbing = false;

  constructor({ onOpen, now = () => performance.now(), random = Math.random }: BreakerOptions) {
    this.#onOpen = onOpen;
    this.#now = now;
    this.#random = random;
  }

  get isOpen(): boolean {
    return this.#opensUntil !== undefined;
  }

  /**
   * Returns whether a call may be made now. An open breaker allows one when its time is up, whose outcome has to be
   * reported.
   */
  allows(): boolean {
    if (this.#opensUntil === undefined) return true;
    if (this.#now() < this.#opensUntil) return false;
    // No other call is allowed until the outcome of this one is known.
    this.#open(OPEN_MS.most);
    this.#isProbing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#opensUntil = undefined;
    this.#isProbing = false;
  }

  /** Counts a failure. Those of calls that began before the breaker opened change nothing. */
  failed(): void {
    if (this.#opensUntil !== undefined && !this.#isProbing) return;
    if (this.#failures === 0) this.#firstFailureAt = this.#now();
    this.#failures += 1;
    const isFailure = this.#failures >= FAILURES && this.#now() - this.#firstFailureAt >= SPAN_MS;
    if (!this.#isProbing && !isFailure) return;
    this.#isProbing = false;
    this.#open(OPEN_MS.least + this.#random() * (OPEN_MS.most - OPEN_MS.least));
    this.#onOpen();
  }

  #open(ms: number): void {
    this.#opensUntil = this.#now() + ms;
  }
}
