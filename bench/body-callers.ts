import { randomUUID } from "node:crypto";
import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import { INVOCATION_ID_HEADER } from "../packages/easy-auth-local/src/functions-host/worker-server.ts";

/** Reads a body as fast as it comes. Rejects unless it has that many bytes. */
export async function readWhole(port: number, bodyBytes: number): Promise<void> {
  let read = 0;
  for await (const chunk of await request(port)) read += (chunk as Buffer).length;
  if (read !== bodyBytes) throw new Error(`${read} bytes came of ${bodyBytes}.`);
}

/** What follows stays where it is, until the answer is destroyed. */
export async function readOneChunk(port: number): Promise<IncomingMessage> {
  const answer = await request(port);
  answer.on("error", () => {});
  await once(answer, "data");
  return answer.pause();
}

/** With what the host adds when it forwards a request to the worker. */
async function request(port: number): Promise<IncomingMessage> {
  const headers = {
    "x-forwarded-host": "localhost",
    "x-forwarded-proto": "http",
    [INVOCATION_ID_HEADER]: randomUUID(),
  };
  const sent = http.get({ host: "127.0.0.1", port, agent: false, headers });
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  if (answer.statusCode !== 200) throw new Error(`The answer was ${answer.statusCode}.`);
  return answer;
}
