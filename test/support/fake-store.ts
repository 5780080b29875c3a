import type { EntryName, SharedStore } from "shared-token-cache";

/** A store in this process. `behave` replaces the outcome of the next calls. */
export class FakeStore implements SharedStore {
  readonly name = "fake";
  readonly entries = new Map<string, Uint8Array>();
  readonly calls: string[] = [];
  behave: (() => Promise<never>) | undefined;
  reconnects = 0;

  async get({ id }: EntryName): Promise<Uint8Array | undefined> {
    this.calls.push("get");
    if (this.behave) return this.behave();
    return this.entries.get(id);
  }
  async set({ id }: EntryName, bytes: Uint8Array): Promise<void> {
    this.calls.push("set");
    if (this.behave) return this.behave();
    this.entries.set(id, bytes);
  }
  async delete({ id }: EntryName): Promise<void> {
    this.calls.push("delete");
    if (this.behave) return this.behave();
    this.entries.delete(id);
  }
  reconnect(): void {
    this.reconnects += 1;
  }
  close(): void {}
}
