import http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ReadableStream } from "node:stream/web";
import { setTimeout as wait } from "node:timers/promises";
import { app, type HttpHandler } from "@azure/functions";
import { listenOnLoopback } from "../packages/easy-auth-local/src/http/loopback-server.ts";
import { connectionOf, type OpenConnection, streamAnswers } from "../src/http/connection.ts";
import { paced } from "../src/http/paced-body.ts";
import { serveStreamed } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

/** `floor` is Node alone; `library` hands the body to @azure/functions as it is; `ours` paces it before. */
export type BodyPeer = "floor" | "ours" | "library";

export type BodyWorkerMessage =
  /** Once, to get the port of a server that sends a body of this many bytes to whoever asks. */
  | { readonly type: "start"; readonly peer: BodyPeer; readonly bodyBytes: number }
  | { readonly type: "cpu" | "settled" };

/** When no more of any body is made. */
export interface Settled {
  /** Of all bodies since the process began. */
  readonly madeBytes: number;
  /** Of heap and of memory outside of it, after collection. */
  readonly heldBytes: number;
  readonly residentBytes: number;
}

/** As a socket gives them at most. */
const CHUNK_BYTES = 65_536;
/** Longer than a caller waits. */
const IDLE_MS = 600_000;
const SETTLED_AFTER_MS = 200;

let madeBytes = 0;

/** Each chunk has memory of its own and a turn of the event loop of its own, as if it came from the network. */
function makeBody(bodyBytes: number): Readable {
  let left = bodyBytes;
  return new Readable({
    highWaterMark: CHUNK_BYTES,
    read() {
      setImmediate(() => {
        if (this.destroyed) return;
        const size = Math.min(CHUNK_BYTES, left);
        left -= size;
        madeBytes += size;
        this.push(size > 0 ? Buffer.alloc(size, "x") : null);
      });
    },
  });
}

async function start(peer: BodyPeer, bodyBytes: number): Promise<number> {
  const headers = { "content-length": String(bodyBytes), "content-type": "application/octet-stream" };
  if (peer === "floor") {
    const server = http.createServer((_, caller) => {
      caller.writeHead(200, headers);
      // That a caller leaves is no failure here.
      pipeline(makeBody(bodyBytes), caller).catch(() => {});
    });
    return Number(new URL((await listenOnLoopback(server, 0)).url).port);
  }
  const library: HttpHandler = async () => ({ headers, body: ReadableStream.from(makeBody(bodyBytes)) });
  const ours: HttpHandler = async (_, { invocationId }) =>
    paced(
      { headers, body: ReadableStream.from(makeBody(bodyBytes)) },
      {
        connection: (connectionOf(invocationId) as OpenConnection).connection,
        userId: invocationId,
        idleMs: IDLE_MS,
        controller: new AbortController(),
      },
    );
  return serveStreamed(() => {
    streamAnswers(IDLE_MS);
    app.http("body", { methods: ["GET"], authLevel: "anonymous", handler: peer === "ours" ? ours : library });
  });
}

/** Needs `--expose-gc`. */
async function settled(): Promise<Settled> {
  for (let before = -1; before !== madeBytes; ) {
    before = madeBytes;
    await wait(SETTLED_AFTER_MS);
  }
  if (!globalThis.gc) throw new Error("This needs --expose-gc.");
  for (let time = 0; time < 4; time += 1) globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { madeBytes, heldBytes: heapUsed + external, residentBytes: rss };
}

/** Microseconds since the process began, of all its threads. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

answerMessages<BodyWorkerMessage>(async (message) => {
  if (message.type === "start") return start(message.peer, message.bodyBytes);
  return message.type === "cpu" ? cpuTime() : settled();
});
