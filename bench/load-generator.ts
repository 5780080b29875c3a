import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { percentile } from "./statistics.ts";
import { answerMessages } from "./worker.ts";

export interface LoadOptions {
  readonly url: string;
  readonly assertions: readonly string[];
  /** Measured seconds. One more comes before them. */
  readonly seconds: number;
  /** Requests a second, at constant intervals; undefined for as many as 32 connections can get answered. */
  readonly rate: number | undefined;
}

/** Milliseconds from the moment a request was due to the end of its answer. */
export interface LoadFigures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Connections that were closed meanwhile are opened anew in this time, and code that V8 has dropped is compiled. */
const WARM_UP_MS = 1000;
const CONNECTIONS = 256;
const AT_A_TIME = 32;
/** Step through the users, coprime with their number so that its multiples reach all of them. */
const STRIDE = 7919;

/** Sends each request when it is due, however slow the answers to earlier ones are. */
async function generate({ url, assertions, seconds, rate }: LoadOptions): Promise<LoadFigures> {
  const pool = new Pool(url, { connections: rate === undefined ? AT_A_TIME : CONNECTIONS });
  const samples: number[] = [];
  let sent = 0;
  const send = async (intended: number) => {
    const assertion = assertions[(sent * STRIDE) % assertions.length] ?? "";
    sent += 1;
    const headers = { authorization: `Bearer ${assertion}`, accept: "application/json" };
    const { statusCode, body } = await pool.request({ method: "GET", path: "/api/profile", headers });
    await body.dump();
    if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}.`);
    if (intended >= measured) samples.push(performance.now() - intended);
  };
  const begin = performance.now();
  const measured = begin + WARM_UP_MS;
  const end = measured + seconds * 1000;
  try {
    if (rate === undefined) await closed(send, end);
    else await open(send, { begin, end, rate });
    const elapsed = performance.now() - measured;
    const [p50, p99, p999] = [50, 99, 99.9].map((share) => percentile(samples, share)) as [number, number, number];
    return { perSecond: (samples.length * 1000) / elapsed, p50, p99, p999 };
  } finally {
    await pool.destroy();
  }
}

async function closed(send: (intended: number) => Promise<void>, end: number): Promise<void> {
  const sender = async () => {
    while (performance.now() < end) await send(performance.now());
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, sender));
}

async function open(
  send: (intended: number) => Promise<void>,
  { begin, end, rate }: Readonly<Record<"begin" | "end" | "rate", number>>,
): Promise<void> {
  const all: Promise<void>[] = [];
  const count = Math.floor(((end - begin) * rate) / 1000);
  while (all.length < count) {
    const due = Math.min(count, Math.floor(((performance.now() - begin) * rate) / 1000));
    while (all.length < due) all.push(send(begin + (all.length * 1000) / rate));
    // A loop without a pause would take a core that the others need. A request may therefore start a millisecond late.
    await sleep(1);
  }
  await Promise.all(all);
}

answerMessages(generate);
