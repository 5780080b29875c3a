import { createClient, ErrorReply, RESP_TYPES } from "@redis/client";
import { decodeJwt } from "jose";
import { MAX_ENTRY_BYTES } from "./seal.ts";
import type { EntryName, SharedStore } from "./store.ts";

/** Access token of this app's own identity. */
interface AppToken {
  readonly accessToken: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

const CONNECT_MS = 2000;
const PING_MS = 60_000;
/** Maximum of commands that wait for their answer. More are refused at once. */
const QUEUE = 256;
const AUTHENTICATES_BEFORE_END_MS = 180_000;
const LEAST_BETWEEN_AUTHENTICATIONS_MS = 30_000;

/** Result for a value of another type, which this app did not write. It is never a valid entry. */
const OF_ANOTHER_TYPE = Buffer.of(0);

type Client = ReturnType<typeof createBinaryClient>;

/**
 * Opens entries in Azure Managed Redis, by the plain protocol (no cluster). Connects in the background, authenticates as
 * this app's identity (https://learn.microsoft.com/azure/redis/entra-for-authentication) and again before its token ends.
 *
 * @param url `rediss://<host>:<port>`; `redis://` without a token, for a server on this machine
 */
export class RedisStore implements SharedStore {
  readonly name = "redis";
  readonly #url: string;
  readonly #identity: (() => Promise<AppToken>) | undefined;
  #client: Client;
  #authentication: NodeJS.Timeout | undefined;

  constructor(url: string, identity?: () => Promise<AppToken>) {
    this.#url = url;
    this.#identity = identity;
    this.#client = this.#connect();
  }

  async get({ id }: EntryName, signal: AbortSignal): Promise<Uint8Array | undefined> {
    // One byte more than an entry may have, so that a longer one is recognized.
    const read = this.#client.withAbortSignal(signal).getRange(keyOf(id), 0, MAX_ENTRY_BYTES);
    const bytes = await read.catch((error) => {
      if (error instanceof ErrorReply && error.message.startsWith("WRONGTYPE")) return OF_ANOTHER_TYPE;
      throw error;
    });
    return bytes?.length ? bytes : undefined;
  }

  async set({ id }: EntryName, bytes: Uint8Array, endsAt: number, signal: AbortSignal): Promise<void> {
    const expiration = { type: "PXAT", value: Math.floor(endsAt) } as const;
    await this.#client.withAbortSignal(signal).set(keyOf(id), Buffer.from(bytes), { expiration });
  }

  async delete({ id }: EntryName, signal: AbortSignal): Promise<void> {
    await this.#client.withAbortSignal(signal).del(keyOf(id));
  }

  reconnect(): void {
    this.close();
    this.#client = this.#connect();
  }

  close(): void {
    clearTimeout(this.#authentication);
    this.#client.destroy();
  }

  #connect(): Client {
    const client = createBinaryClient(this.#url, this.#identity && (() => this.#credentials()));
    // Its failures show in the commands that fail.
    client.on("error", () => {});
    client.connect().catch(() => {});
    return client;
  }

  async #credentials(): Promise<{ username: string; password: string }> {
    const { accessToken, endsAt } = (await this.#identity?.()) ?? { accessToken: "", endsAt: 0 };
    const wait = Math.max(endsAt - Date.now() - AUTHENTICATES_BEFORE_END_MS, LEAST_BETWEEN_AUTHENTICATIONS_MS);
    clearTimeout(this.#authentication);
    this.#authentication = setTimeout(() => this.#authenticate(), wait).unref();
    return { username: String(decodeJwt(accessToken).oid), password: accessToken };
  }

  /** Renews the connection's authentication. When that fails the server ends the connection, and the next one tries anew. */
  async #authenticate(): Promise<void> {
    const client = this.#client;
    await this.#credentials()
      .then((credentials) => client.auth(credentials))
      .catch(() => {});
  }
}

function keyOf(id: string): string {
  return `t1:${id}`;
}

type BasicCredentials = () => Promise<{ username: string; password: string }>;

function createBinaryClient(url: string, credentials: BasicCredentials | undefined) {
  return createClient({
    url,
    RESP: 2,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: reconnectDelay },
    disableOfflineQueue: true,
    commandsQueueMaxLength: QUEUE,
    pingInterval: PING_MS,
    disableClientInfo: true,
    maintNotifications: "disabled",
    ...(credentials && { credentialsProvider: { type: "async-credentials-provider", credentials } }),
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
}

/**
 * Returns milliseconds: doubled from 100 to 5,000, half of it at random, so that instances do not come back all at once.
 */
function reconnectDelay(retries: number): number {
  return Math.min(100 * 2 ** retries, 5000) * (0.5 + Math.random() / 2);
}
