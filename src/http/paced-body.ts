import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { ReadableStream, type ReadableStreamDefaultReader } from "node:stream/web";
import { HttpResponse, type HttpResponseInit } from "@azure/functions";
import { AppError } from "../errors.ts";
import { unreachable } from "../outgoing/send.ts";
import { DISCONNECTED } from "./connection.ts";

/** Less than `functionTimeout` of host.json, at which the host ends the worker and all that runs in it. */
const LONGEST_MS = 20 * 60_000;

/** Half of the requests that host.json lets run: the others are for those who ask for no body. */
const MAX_BODIES = 100;
const MAX_BODIES_PER_USER = 10;

export interface Pace {
  /** On which the answer leaves; undefined while streaming is off. */
  readonly connection: ServerResponse | undefined;
  /** In whose share the body counts. */
  readonly userId: string;
  /** How long it may take from one chunk to the next: to be made, and to be read by the caller. */
  readonly idleMs: number;
  /** Aborted when the body has to end early: what makes it obeys this. */
  readonly controller: AbortController;
}

/** On their way, by user. */
const bodies = new Map<string, number>();

/**
 * The answer, its body as fast as the caller takes it when that is a stream: no more of it is in memory than is on its way.
 * When a chunk takes too long, after 20 minutes, and when what makes it fails, the connection is cut, so that nobody takes a
 * part for the whole. When the caller leaves, what makes it ends. While streaming is off, the answer is as it was.
 *
 * @throws AppError `overloaded` when too many bodies are on their way, of all users or of this one
 */
export function paced<T extends HttpResponseInit | HttpResponse>(
  answer: T,
  { connection, userId, idleMs, controller }: Pace,
): T | HttpResponseInit {
  if (answer instanceof HttpResponse || !(answer.body instanceof ReadableStream) || !connection) return answer;
  if (connection.destroyed) {
    controller.abort();
    return DISCONNECTED;
  }
  enter(userId);
  const { signal } = controller;
  const reader: ReadableStreamDefaultReader<Uint8Array> = answer.body.getReader();
  const stop = () => controller.abort();
  const idle = setTimeout(stop, idleMs);
  const longest = setTimeout(stop, LONGEST_MS);
  signal.addEventListener("abort", () => void reader.cancel().catch(() => {}));
  connection.once("close", () => {
    leave(userId);
    clearTimeout(idle);
    clearTimeout(longest);
    stop();
  });
  return { ...answer, body: ReadableStream.from(chunksOf({ reader, connection, idle, signal })) };
}

interface Source {
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly connection: ServerResponse;
  readonly idle: NodeJS.Timeout;
  readonly signal: AbortSignal;
}

/** What asks for the next chunk has written the one before. */
async function* chunksOf({ reader, connection, idle, signal }: Source): AsyncGenerator<Uint8Array, void> {
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      idle.refresh();
      yield next.value;
      if (connection.writableNeedDrain) await once(connection, "drain", { signal });
    }
    signal.throwIfAborted();
  } catch (cause) {
    if (connection.destroyed) return;
    connection.destroy();
    throw unreachable(cause, signal);
  }
}

function enter(userId: string): void {
  const own = bodies.get(userId) ?? 0;
  const total = [...bodies.values()].reduce((sum, count) => sum + count, 0);
  if (total >= MAX_BODIES || own >= MAX_BODIES_PER_USER) {
    throw new AppError("overloaded", { hint: "Too many bodies are on their way.", retryAfterSeconds: 5 });
  }
  bodies.set(userId, own + 1);
}

function leave(userId: string): void {
  const others = (bodies.get(userId) ?? 1) - 1;
  if (others > 0) bodies.set(userId, others);
  else bodies.delete(userId);
}
