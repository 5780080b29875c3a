/** Clean-up of a stack: closes all servers at once, then the parts that they share, such as the routing. */
export class Closers {
  readonly #closers: (() => unknown)[] = [];
  readonly #shared: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  async started<T extends { close(): unknown }>(starting: Promise<T>): Promise<T> {
    const part = await starting;
    this.add(() => part.close());
    return part;
  }

  addShared(close: () => unknown): void {
    this.#shared.push(close);
  }

  async closeAll(): Promise<void> {
    await Promise.all(this.#closers.splice(0).map((close) => close()));
    await Promise.all(this.#shared.splice(0).map((close) => close()));
  }
}
