import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { callerOf, turnOnStreaming } from "../../src/http/caller.ts";

test("whoever waits for an answer is known by the invocation, until they have it or leave", async () => {
  expect(callerOf("1")).toBeUndefined();
  turnOnStreaming();
  expect(callerOf("1")).toBe("gone");

  const answers: ServerResponse[] = [];
  const server = createServer((_, answer) => void answers.push(answer));
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => server.closeAllConnections());
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const ask = async (headers: Record<string, string>) => {
    const request = get({ host: "127.0.0.1", port, agent: false, headers });
    request.on("error", () => {});
    await once(server, "request");
    return request;
  };

  const first = await ask({ "x-ms-invocation-id": "1" });
  await ask({ "x-ms-invocation-id": "2" });
  await ask({});
  expect([callerOf("1"), callerOf("2")]).toEqual([answers[0], answers[1]]);

  first.destroy();
  await vi.waitFor(() => expect(callerOf("1")).toBe("gone"));
  expect(callerOf("2")).toBe(answers[1]);
  answers[1]?.end();
  await vi.waitFor(() => expect(callerOf("2")).toBe("gone"));
});
