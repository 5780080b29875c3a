import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net, { type AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ACCESS_TOKEN,
  SIGNED_IN,
  send,
  serveBackend,
  serveFrontend,
  serveRecordingBackend,
  serveSilentBackend,
  unusedUrl,
} from "./fixture.ts";

const SWITCHING = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
const LARGE = randomBytes(8 * 1024 * 1024);

describe("failures of /api/*", () => {
  test("without an access token, the answer is 401 no_access_token, and the log says where to look", async () => {
    const backend = await serveRecordingBackend();
    const { url, logged } = await serveFrontend({ backendUrl: backend.url });
    const { status, headers, body } = await send(url, "/api/profile", { headers: { cookie: "a=b" } });
    expect(status).toBe(401);
    expect(headers).toMatchObject({
      "cache-control": "no-store",
      "content-type": "application/problem+json",
      "www-authenticate": "Bearer",
    });
    expect(JSON.parse(body)).toEqual({
      type: `${url}/api/errors#no_access_token`,
      title: "Nobody is signed in",
      status: 401,
      detail: "The request carries no user's access token. Sign in and try again.",
      code: "no_access_token",
      correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(backend.received).toEqual([]);
    expect(logged).toMatchObject([expect.stringContaining("token store")]);
  });

  test("if the backend is down, the answer is 502 api_unreachable, logged with the reason under the same correlation id", async () => {
    const { url, logged } = await serveFrontend({ backendUrl: await unusedUrl() });
    const { status, body } = await send(url, "/api/profile", { headers: SIGNED_IN });
    const problem = JSON.parse(body);
    expect({ status, code: problem.code }).toEqual({ status: 502, code: "api_unreachable" });
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([
      { code: "api_unreachable", correlationId: problem.correlationId, reason: "ECONNREFUSED" },
    ]);
  });

  test("if the backend is down, an upload is answered too, not cut off", async () => {
    const { url } = await serveFrontend({ backendUrl: await unusedUrl() });
    const answer = await fetch(`${url}/api/notes`, { method: "POST", headers: SIGNED_IN, body: LARGE });
    expect(answer.status).toBe(502);
  });

  test("if the backend is silent, the answer is 504 api_timeout, and its request is ended", async () => {
    const backend = await serveSilentBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url, timeoutMs: 50 });
    const asked = send(url, "/api/profile", { headers: SIGNED_IN });
    const [, backendResponse] = await backend.arrived;
    const closed = once(backendResponse, "close");
    const { status, body } = await asked;
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 504, code: "api_timeout" });
    await closed;
  });

  test("if the backend switches protocols unasked, the answer is 502 api_unreachable", async () => {
    const server = net.createServer((socket) => socket.once("data", () => socket.write(SWITCHING)));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => void server.close());
    const { url } = await serveFrontend({ backendUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    const { status, body } = await send(url, "/api/profile", { headers: SIGNED_IN });
    expect({ status, code: JSON.parse(body).code }).toEqual({ status: 502, code: "api_unreachable" });
  });

  test("if the backend breaks off its answer, the browser sees that, and it is logged", async () => {
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(200, { "content-length": "10" });
      response.write("first", () => response.destroy());
    });
    const { url, logged } = await serveFrontend({ backendUrl });
    const answer = await fetch(`${url}/api/profile`, { headers: SIGNED_IN });
    await expect(answer.text()).rejects.toThrow();
    await send(url, "/health"); // by then the frontend has seen the break too
    expect(logged).toMatchObject([expect.stringContaining("broke off")]);
  });

  test("no access token ever reaches the log", async () => {
    const { url, logged } = await serveFrontend({ backendUrl: await unusedUrl() });
    await send(url, "/api/profile", { headers: SIGNED_IN });
    await send(url, "/api/profile", { headers: { ...SIGNED_IN, "x-ms-token-aad-access-token": "" } });
    expect(logged).toHaveLength(2);
    expect(logged.join()).not.toMatch(new RegExp(`${ACCESS_TOKEN}|secret`));
  });
});
