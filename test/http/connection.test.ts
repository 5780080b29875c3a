import { once } from "node:events";
import { createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { connectionOf, type OpenConnection, streamAnswers } from "../../src/http/connection.ts";

const BEGIN_WITHIN_MS = 20_000;

/** Like the one that the library opens once the app is loaded. */
const server = createServer((_, connection) => void connections.push(connection));
const connections: ServerResponse[] = [];
const beforehand = connectionOf("1");

beforeAll(async () => {
  streamAnswers(BEGIN_WITHIN_MS);
  await once(server.listen(0, "127.0.0.1"), "listening");
});
beforeEach(() => void connections.splice(0));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function ask(headers: Record<string, string>) {
  const { port } = server.address() as AddressInfo;
  const request = get({ host: "127.0.0.1", port, agent: false, headers });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  await once(server, "request");
  return { answered, leave: () => request.destroy() };
}

test("nobody is known before streaming is on", () => {
  expect(beforehand).toBeUndefined();
});

test("a caller is known by the invocation, until they have their answer or leave", async () => {
  expect(connectionOf("1")).toBe("closed");
  const first = await ask({ "x-ms-invocation-id": "1" });
  await ask({ "x-ms-invocation-id": "2" });
  await ask({});
  streamAnswers(BEGIN_WITHIN_MS);
  expect([connectionOf("1"), connectionOf("2")]).toMatchObject(
    connections.slice(0, 2).map((connection) => ({ connection })),
  );
  first.leave();
  await vi.waitFor(() => expect(connectionOf("1")).toBe("closed"), 10_000);
  expect(connectionOf("2")).not.toBe("closed");
  connections[1]?.end();
  await vi.waitFor(() => expect(connectionOf("2")).toBe("closed"), 10_000);
});

test("their headers are those of the request, of a session with many groups too", async () => {
  const token = "x".repeat(30_000);
  await ask({ "x-ms-invocation-id": "3", authorization: `Bearer ${token}`, "x-forwarded-for": "a" });
  const { headers } = connectionOf("3") as OpenConnection;
  expect(headers.get("authorization")).toBe(`Bearer ${token}`);
  expect(headers.get("x-forwarded-for")).toBe("a");
  expect(headers.get("x-ms-token-aad-access-token")).toBeNull();
});

test("they are answered 500 when nothing has begun to, and left to their answer when something has", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const [forgotten, begun] = [await ask({ "x-ms-invocation-id": "4" }), await ask({ "x-ms-invocation-id": "5" })];
    connections[1]?.writeHead(200).write("first");
    vi.advanceTimersByTime(BEGIN_WITHIN_MS - 1);
    expect(connections[0]?.headersSent).toBe(false);
    vi.advanceTimersByTime(1);
    const [refusal] = await forgotten.answered;
    expect(refusal.statusCode).toBe(500);
    const [answer] = await begun.answered;
    connections[1]?.end("last");
    expect((await answer.toArray()).join("")).toBe("firstlast");

    await ask({ "x-ms-invocation-id": "6" });
    connections[2]?.end();
    await vi.waitFor(() => expect(connectionOf("6")).toBe("closed"), 10_000);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
