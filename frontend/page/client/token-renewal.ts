/** Easy Auth's refresh of the session's tokens: one at a time, and none for calls that an earlier one already covers. */
export class TokenRenewal {
  readonly #ask: () => Promise<Response>;
  #asking: Promise<boolean> | undefined;
  /** Number of renewals. */
  generation = 0;

  constructor(ask: () => Promise<Response>) {
    this.#ask = ask;
  }

  /** Returns whether the session's tokens are newer now than at that generation. Throws if the request fails. */
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
