import { PassThrough, Readable } from "node:stream";
import { ReadableStream } from "node:stream/web";
import { setTimeout } from "node:timers/promises";
import { HttpResponse, type HttpResponseInit } from "@azure/functions";
import { describe, expect, test } from "vitest";
import { inMemory, MAX_ANSWER_BYTES } from "../../src/http/bounded-body.ts";

const CHUNK = Buffer.alloc(1_048_576, "x");
const NEVER = new AbortController().signal;

function* chunks(count: number): Generator<Buffer> {
  for (let made = 0; made < count; made += 1) yield CHUNK;
}

async function* drops(): AsyncGenerator<Buffer> {
  for (;;) yield setTimeout(1, Buffer.from("."));
}

/** Each kind of stream that a handler may return. */
const KINDS: readonly [string, (source: Iterable<Buffer>) => HttpResponseInit | HttpResponse][] = [
  ["a web stream", (source) => ({ body: ReadableStream.from(source) })],
  ["a Node stream", (source) => ({ body: Readable.from(source) as never })],
  ["an async iterator", (source) => ({ body: Readable.from(source)[Symbol.asyncIterator]() as never })],
  ["a response with a stream", (source) => new HttpResponse({ status: 201, body: ReadableStream.from(source) })],
];

async function bytesOf(answer: HttpResponseInit | HttpResponse): Promise<Buffer> {
  return Buffer.from(await new Response(answer.body as never).arrayBuffer());
}

describe.each(KINDS)("%s", (_, answerWith) => {
  test("is answered unchanged, from memory", async () => {
    const answer = await inMemory(answerWith([Buffer.from("one "), Buffer.from("two")]), NEVER);
    expect((await bytesOf(answer)).toString()).toBe("one two");
  });

  test("of 16 MiB is answered, and a longer one is a mistake of the endpoint", async () => {
    const whole = await inMemory(answerWith(chunks(16)), NEVER);
    expect((await bytesOf(whole)).length).toBe(MAX_ANSWER_BYTES);
    const source = chunks(1000);
    await expect(inMemory(answerWith(source), NEVER)).rejects.toMatchObject({ code: "internal_error" });
    expect(source.next().done).toBe(true);
  });

  test("that breaks off fails as its source says", async () => {
    function* breaking() {
      yield CHUNK;
      throw new Error("broken off");
    }
    await expect(inMemory(answerWith(breaking()), NEVER)).rejects.toMatchObject({ code: "downstream_failed" });
  });
});

test.each<[string, () => HttpResponseInit]>([
  ["a web stream", () => ({ body: new ReadableStream() })],
  ["a Node stream", () => ({ body: new PassThrough() as never })],
  ["an async iterator", () => ({ body: drops() as never })],
])("%s without an end is ended with the request", async (_, make) => {
  const controller = new AbortController();
  const reading = inMemory(make(), controller.signal);
  controller.abort();
  await expect(reading).rejects.toMatchObject({ code: "downstream_timeout" });
});

test("a body that is no stream stays as it is", async () => {
  for (const answer of [{ jsonBody: {} }, { body: "text" }, { body: new Uint8Array(3) }, { status: 204 }]) {
    expect(await inMemory(answer, NEVER)).toBe(answer);
  }
});
