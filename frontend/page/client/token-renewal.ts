/** Easy Auth's refresh of the session's tokens: one at a time, and not again for calls that an earlier one already helps. */
export class TokenRenewal {
  readonly #ask: () => Promise<Response>;
  #asking: Promise<boolean> | undefined;
  /** Number of renewals. */
  generation = 0;

  constructor(ask: () => Promise<Response>) {
    this.#ask = ask;
  }

  /** Whether the session's tokens are newer now than they were at that generation. Throws what asking throws. */
  async renew(generation: number): Promise<boolean> {
    if (generation !== this.generation) return true;
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askOnce(): Promise<boolean> {
    const { ok } = await this.#ask();
    if (ok) this.generation += 1;
    return ok;
  }
}
