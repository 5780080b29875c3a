import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, get, IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { ReadableStream, type ReadableStreamDefaultController } from "node:stream/web";
import { HttpResponse } from "@azure/functions";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type Pace, paced } from "../../src/http/paced-body.ts";

const CHUNK = new Uint8Array(65_536).fill(120);
const MANY = 1000;
const IDLE_MS = 60_000;

/** What the test's server does with one request. */
interface Sending {
  readonly connection: ServerResponse;
  readonly controller: AbortController;
  /** Settles when the body is written, as the library writes it. */
  readonly written: Promise<void>;
}

/** A server that writes bodies as the library does: https://github.com/Azure/azure-functions-nodejs-library/blob/v4.x/src/http/httpProxy.ts */
async function serve(makeBody: (signal: AbortSignal) => ReadableStream, { userId = "user" } = {}) {
  const sendings: Sending[] = [];
  const server = createServer((_, connection) => {
    const controller = new AbortController();
    const written = (async () => {
      const { body } = paced(
        { body: makeBody(controller.signal) },
        { connection, userId, idleMs: IDLE_MS, controller },
      ) as { body: ReadableStream };
      for await (const chunk of body.values()) connection.write(chunk);
      connection.end();
    })();
    written.catch(() => {});
    sendings.push({ connection, controller, written });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    await once(server.close(), "close");
  });
  const { port } = server.address() as AddressInfo;
  return {
    sendings,
    request: async (): Promise<IncomingMessage> => {
      const request = get({ host: "127.0.0.1", port, agent: false });
      const [answer] = await once(request, "response");
      return answer;
    },
  };
}

/** As many chunks as are asked for, up to `count`, and how many that were. */
function chunks(count: number) {
  const made = { count: 0 };
  async function* make() {
    for (; made.count < count; made.count += 1) yield CHUNK;
  }
  return { made, make: () => ReadableStream.from(make()) };
}

const stuck = () => new ReadableStream({ start: (controller) => controller.enqueue(CHUNK) });

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe("a body", () => {
  test("arrives whole", async () => {
    const { make } = chunks(MANY);
    const { request } = await serve(make);
    expect((await buffer(await request())).length).toBe(MANY * CHUNK.length);
  });

  test("is made no faster than its caller reads, and arrives whole once they do", async () => {
    const { made, make } = chunks(MANY);
    const { request, sendings } = await serve(make);
    const answer = await request();
    await vi.waitFor(() => expect(sendings[0]?.connection.writableNeedDrain).toBe(true), 10_000);
    await turns(MANY);
    expect(made.count).toBeLessThan(MANY / 2);
    expect((await buffer(answer)).length).toBe(MANY * CHUNK.length);
  });

  test("ends to be made when its caller leaves", async () => {
    const { request, sendings } = await serve(stuck);
    const answer = await request();
    answer.destroy();
    await vi.waitFor(() => expect(sendings[0]?.controller.signal.aborted).toBe(true), 10_000);
    await expect(sendings[0]?.written).resolves.toBeUndefined();
  });

  test("that fails half way cuts the connection: the caller does not take it for the whole", async () => {
    const { request, sendings } = await serve(() =>
      ReadableStream.from(
        (async function* () {
          yield CHUNK;
          throw new Error("words of another service");
        })(),
      ),
    );
    await expect(request().then(buffer)).rejects.toThrow(/aborted|hang up/);
    await expect(sendings[0]?.written).rejects.toMatchObject({
      code: "downstream_failed",
      message: "downstream_failed",
    });
  });

  describe("within its time", () => {
    beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
    afterEach(() => vi.useRealTimers());

    /** A body whose chunks the test makes, its sending, and a caller who has read the first of them. */
    async function begin() {
      let making: ReadableStreamDefaultController | undefined;
      const { request, sendings } = await serve(
        () =>
          new ReadableStream({
            start: (controller) => {
              making = controller;
              controller.enqueue(CHUNK);
            },
          }),
      );
      const answer = await request();
      await once(answer, "data");
      const [sending] = sendings;
      if (!making || !sending) throw new Error("No request arrived.");
      return { answer, sending, making };
    }

    test("it is cut when no more comes, and what makes it is told", async () => {
      const { answer, sending } = await begin();
      vi.advanceTimersByTime(IDLE_MS);
      await expect(buffer(answer)).rejects.toThrow("aborted");
      await expect(sending.written).rejects.toMatchObject({ code: "downstream_timeout" });
      expect(sending.controller.signal.aborted).toBe(true);
    });

    test("it is cut when its caller no longer reads", async () => {
      const { make } = chunks(MANY);
      const { request, sendings } = await serve(make);
      const answer = await request();
      answer.on("error", () => {});
      while (!sendings[0]?.connection.writableNeedDrain) await turns(1);
      vi.advanceTimersByTime(IDLE_MS);
      await expect(sendings[0]?.written).rejects.toMatchObject({ code: "downstream_timeout" });
      expect(sendings[0]?.connection.destroyed).toBe(true);
    });

    test("it goes on as long as it moves", async () => {
      const { answer, making } = await begin();
      for (let chunk = 0; chunk < 5; chunk += 1) {
        vi.advanceTimersByTime(IDLE_MS - 1);
        making.enqueue(CHUNK);
        await once(answer, "data");
      }
      making.close();
      await expect(buffer(answer)).resolves.toBeInstanceOf(Buffer);
    });

    test("but not beyond 20 minutes, less than the host lets a function run", async () => {
      const { answer, sending, making } = await begin();
      const { functionTimeout } = JSON.parse(await readFile(new URL("../../host.json", import.meta.url), "utf8"));
      expect(functionTimeout > "00:20:00").toBe(true);
      for (let minute = 0; minute < 20; minute += 1) {
        making.enqueue(CHUNK);
        await once(answer, "data");
        vi.advanceTimersByTime(IDLE_MS / 2);
        making.enqueue(CHUNK);
        await once(answer, "data");
        expect(sending.connection.destroyed).toBe(false);
        vi.advanceTimersByTime(IDLE_MS / 2);
      }
      await expect(buffer(answer)).rejects.toThrow("aborted");
      await expect(sending.written).rejects.toMatchObject({ code: "downstream_timeout" });
    });
  });
});

describe("how many are on their way", () => {
  test("is 10 of one user, and another's goes on", async () => {
    const mine = await serve(stuck, { userId: "mine" });
    const theirs = await serve(stuck, { userId: "theirs" });
    const answers = await Promise.all(Array.from({ length: 10 }, mine.request));
    expect(refusalOf("mine")).toMatchObject({ code: "overloaded", retryAfterSeconds: 5 });
    expect((await theirs.request()).statusCode).toBe(200);
    answers[0]?.destroy();
    await vi.waitFor(() => expect(refusalOf("mine")).toBeUndefined(), 10_000);
    await mine.request();
    expect(refusalOf("mine")).toMatchObject({ code: "overloaded" });
  });

  test("is 100 of all users", async () => {
    const users = await Promise.all(
      Array.from({ length: 10 }, (_, index) => serve(stuck, { userId: `user ${index}` })),
    );
    await Promise.all(users.flatMap(({ request }) => Array.from({ length: 10 }, request)));
    expect(refusalOf("one more")).toMatchObject({ code: "overloaded" });
  });
});

/** What a body of the user is refused with now; it is sent to nobody. */
function refusalOf(userId: string): unknown {
  const connection = new ServerResponse(new IncomingMessage(new Socket()));
  try {
    paced({ body: stuck() }, { connection, userId, idleMs: IDLE_MS, controller: new AbortController() });
    return undefined;
  } catch (error) {
    return error;
  } finally {
    connection.emit("close");
  }
}

const left = () => {
  const connection = new ServerResponse(new IncomingMessage(new Socket()));
  return connection.destroy();
};

describe("an answer stays as it was", () => {
  const pace = (connection: Pace["connection"]): Pace => ({
    connection,
    userId: "user",
    idleMs: IDLE_MS,
    controller: new AbortController(),
  });

  test("while streaming is off", () => {
    const answer = { body: stuck() };
    expect(paced(answer, pace(undefined))).toBe(answer);
  });

  test.each([{ jsonBody: {} }, { body: "text" }, { body: CHUNK }, { status: 204 }, new HttpResponse({ body: "text" })])(
    "when its body is no stream: %j",
    (answer) => {
      expect(paced(answer, pace(left()))).toBe(answer);
    },
  );
});

test("a body for a caller who has left is not made", async () => {
  const controller = new AbortController();
  const answer = paced({ body: stuck() }, { connection: left(), userId: "user", idleMs: IDLE_MS, controller });
  expect(answer).not.toHaveProperty("body");
  expect(controller.signal.aborted).toBe(true);
});
