import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { SIGNED_IN, send, serveBackend, serveFrontend, serveSilentBackend } from "./fixture.ts";

const LARGE = randomBytes(8 * 1024 * 1024);

describe("streaming through the frontend", () => {
  test("a large body arrives whole in both directions", async () => {
    const backendUrl = await serveBackend((request, response) => void request.pipe(response));
    const { url } = await serveFrontend({ backendUrl });
    const answer = await fetch(`${url}/api/echo`, { method: "POST", headers: SIGNED_IN, body: LARGE });
    expect(sha256(Buffer.from(await answer.arrayBuffer()))).toBe(sha256(LARGE));
  });

  test("the first part of an answer arrives before the backend has written the last", async () => {
    const backend = await serveSilentBackend();
    const { url } = await serveFrontend({ backendUrl: backend.url });
    const asked = fetch(`${url}/api/slow`, { headers: SIGNED_IN });
    const [, backendResponse] = await backend.arrived;
    backendResponse.write("first");
    const reader = (await asked).body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe("first");
    backendResponse.end();
    expect((await reader?.read())?.done).toBe(true);
  });

  test("the backend waits for a browser that reads slowly", async () => {
    const total = 512 * 1024 * 1024;
    let written = 0;
    const backendUrl = await serveBackend((_request, response) => {
      response.writeHead(200);
      Readable.from(chunksOf(total, (bytes) => (written += bytes))).pipe(response);
    });
    const { url } = await serveFrontend({ backendUrl });
    const request = http.get(`${url}/api/large`, { headers: SIGNED_IN, agent: false });
    await once(request, "response"); // and read nothing of it
    for (let count = 0; count < 300; count++) await fetch(`${url}/health`);
    expect(written).toBeLessThan(total / 4);
    request.destroy();
  });

  test("an answer given before the upload has ended passes through", async () => {
    const backendUrl = await serveBackend((_request, response) => response.writeHead(413).end("too large"));
    const { url } = await serveFrontend({ backendUrl });
    const answer = await fetch(`${url}/api/notes`, { method: "POST", headers: SIGNED_IN, body: LARGE });
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 413, body: "too large" });
  });
});

describe("a client that leaves", () => {
  test("ends the backend's request while it waits for the answer", async () => {
    const backend = await serveSilentBackend();
    const { url, logged } = await serveFrontend({ backendUrl: backend.url });
    const leave = new AbortController();
    const asked = fetch(`${url}/api/profile`, { headers: SIGNED_IN, signal: leave.signal });
    const [, backendResponse] = await backend.arrived;
    leave.abort();
    await expect(asked).rejects.toThrow("aborted");
    await once(backendResponse, "close");
    await send(url, "/health"); // by then the frontend has seen the close too
    expect(logged).toEqual([]);
  });

  test("ends the backend's request in the middle of the answer", async () => {
    const backend = await serveSilentBackend();
    const { url, logged } = await serveFrontend({ backendUrl: backend.url });
    const leave = new AbortController();
    const asked = fetch(`${url}/api/profile`, { headers: SIGNED_IN, signal: leave.signal });
    const [, backendResponse] = await backend.arrived;
    backendResponse.write("first");
    await asked;
    leave.abort();
    await once(backendResponse, "close");
    await send(url, "/health"); // by then the frontend has seen the close too
    expect(logged).toEqual([]);
  });

  test("ends the backend's request in the middle of its upload", async () => {
    const backend = await serveSilentBackend();
    const { url, logged } = await serveFrontend({ backendUrl: backend.url });
    const upload = http.request(`${url}/api/notes`, { method: "POST", headers: SIGNED_IN, agent: false });
    upload.on("error", () => {});
    upload.write("first");
    const [, backendResponse] = await backend.arrived;
    upload.destroy();
    await once(backendResponse, "close");
    await send(url, "/health"); // by then the frontend has seen the close too
    expect(logged).toEqual([]);
  });
});

function* chunksOf(total: number, note: (bytes: number) => void): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024);
  for (let sent = 0; sent < total; sent += chunk.length) {
    note(chunk.length);
    yield chunk;
  }
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
