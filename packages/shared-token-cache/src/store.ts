/** Name of an entry in a shared store. */
export interface EntryName {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Seconds since 1970: the end of the assertion that the entry was made for. */
  readonly assertionEnd: number;
}

/**
 * A store that several instances share. Each call rejects when the store fails, does not answer before the signal is aborted,
 * or is not connected; it never waits for a connection.
 */
export interface SharedStore {
  /** One of a few words, for telemetry. */
  readonly name: string;
  /** Resolves to the entry's bytes, cut off after `MAX_ENTRY_BYTES`; to undefined without an entry. */
  get(entry: EntryName, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** @param endsAt milliseconds since 1970, after which the store may drop the entry */
  set(entry: EntryName, bytes: Uint8Array, endsAt: number, signal: AbortSignal): Promise<void>;
  delete(entry: EntryName, signal: AbortSignal): Promise<void>;
  /** Drops its connections and makes new ones in the background: the store has failed for a while. */
  reconnect(): void;
  /** Closes the store. */
  close(): void;
}
