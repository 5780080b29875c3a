import type { TokenCredential } from "@azure/core-auth";
import { RestError, TableClient, TableServiceClient } from "@azure/data-tables";
import type { EntryName, SharedStore } from "./store.ts";

const PREFIX = "tokens";
const CLEAN_UP_MS = 3_600_000;

interface Entry {
  readonly value: Uint8Array;
}

/**
 * Opens entries in Azure Table storage, a table for each UTC day on which assertions end, and drops the tables of days that
 * are over, since Table storage expires nothing itself.
 *
 * @param url https address of the account's tables
 */
export class TableStore implements SharedStore {
  readonly name = "table";
  readonly #service: TableServiceClient;
  readonly #createClient: (table: string) => TableClient;
  readonly #cleanUp: NodeJS.Timeout;
  /** Clients of today's and the next days' tables: assertions live for a day at most. */
  readonly #clients = new Map<string, TableClient>();

  constructor(url: string, credential: TokenCredential) {
    const options = { retryOptions: { maxRetries: 0 } };
    this.#service = new TableServiceClient(url, credential, options);
    this.#createClient = (table) => new TableClient(url, table, credential, options);
    const once = () => void this.dropOldTables().catch(() => {});
    this.#cleanUp = setInterval(once, CLEAN_UP_MS).unref();
  }

  async get({ id, assertionEnd }: EntryName, abortSignal: AbortSignal): Promise<Uint8Array | undefined> {
    const options = { abortSignal, queryOptions: { select: ["value"] } };
    try {
      const { value } = await this.#table(assertionEnd).getEntity<Entry>(partitionOf(id), id, options);
      return value instanceof Uint8Array ? value : new Uint8Array();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async set({ id, assertionEnd }: EntryName, value: Uint8Array, _: number, abortSignal: AbortSignal): Promise<void> {
    const table = this.#table(assertionEnd);
    const write = () =>
      table.upsertEntity({ partitionKey: partitionOf(id), rowKey: id, value }, "Replace", { abortSignal });
    try {
      await write();
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await table.createTable({ abortSignal });
      await write();
    }
  }

  async delete({ id, assertionEnd }: EntryName, abortSignal: AbortSignal): Promise<void> {
    try {
      await this.#table(assertionEnd).deleteEntity(partitionOf(id), id, { abortSignal });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** Deletes the tables of days that are over. Every instance does so once an hour; all but the first find nothing to do. */
  async dropOldTables(now = Date.now()): Promise<void> {
    const abortSignal = AbortSignal.timeout(30_000);
    const today = tableOf(now / 1000);
    const filter = `TableName ge '${PREFIX}' and TableName lt '${today}'`;
    for await (const { name } of this.#service.listTables({ abortSignal, queryOptions: { filter } })) {
      if (name && /^tokens\d{8}$/.test(name)) await this.#service.deleteTable(name, { abortSignal });
    }
  }

  /** Nothing to do: each call may take a connection of its own. */
  reconnect(): void {}

  close(): void {
    clearInterval(this.#cleanUp);
  }

  #table(assertionEnd: number): TableClient {
    const name = tableOf(assertionEnd);
    const client = this.#clients.get(name) ?? this.#createClient(name);
    if (this.#clients.size > 10) this.#clients.clear();
    this.#clients.set(name, client);
    return client;
  }
}

/** @param seconds since 1970 */
function tableOf(seconds: number): string {
  return PREFIX + new Date(seconds * 1000).toISOString().slice(0, 10).replaceAll("-", "");
}

/** 256 partitions, which Storage can spread over servers. */
function partitionOf(id: string): string {
  return id.slice(0, 2);
}

function isNotFound(error: unknown): boolean {
  return error instanceof RestError && error.statusCode === 404;
}
