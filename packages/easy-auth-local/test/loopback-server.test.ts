import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { sendRaw } from "../../../test/support/raw-http.ts";
import { listenOnLoopback } from "../src/http/loopback-server.ts";

async function listen(
  listener: http.RequestListener = (_, response) => response.end("ok"),
  alsoServe: readonly string[] = [],
) {
  const server = http.createServer(listener);
  const listening = await listenOnLoopback(server, 0, alsoServe);
  onTestFinished(() => listening.close());
  return { server, ...listening };
}

describe("a server on loopback", () => {
  test.each(["localhost", "LOCALHOST:80", "127.0.0.1:80", "[::1]:80", "login.example"])(
    "serves the host %s",
    async (host) => {
      const { url } = await listen(undefined, ["login.example"]);
      expect(await sendRaw(url, "/", [`Host: ${host}`, "Connection: close"])).toMatchObject({ status: 200 });
    },
  );

  test.each(["evil.example", "localhost.evil.example", "127.0.0.1.nip.example", "[::2]", "localhost@evil.example"])(
    "does not serve the host %s",
    async (host) => {
      const { url } = await listen();
      expect(await sendRaw(url, "/", [`Host: ${host}`, "Connection: close"])).toMatchObject({ status: 421 });
    },
  );

  test("refuses an upgrade for another host", async () => {
    const { server, url } = await listen();
    let upgraded = false;
    server.on("upgrade", () => {
      upgraded = true;
    });
    await sendRaw(url, "/", ["Host: evil.example", "Connection: Upgrade", "Upgrade: websocket"]);
    expect(upgraded).toBe(false);
  });

  test("cannot be reached from another machine", async () => {
    const { url } = await listen();
    const outside = Object.values(os.networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === "IPv4");
    for (const { address } of outside) {
      const socket = net.connect(Number(new URL(url).port), address);
      const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
      expect(error.code).toBe("ECONNREFUSED");
    }
  });

  test("fails with the number of a port that is in use", async () => {
    const { url } = await listen();
    const port = Number(new URL(url).port);
    await expect(listenOnLoopback(http.createServer(), port)).rejects.toMatchObject({
      code: "EADDRINUSE",
      port,
      message: expect.stringContaining(`Port ${port} is in use.`),
    });
  });

  test("closes even if a client keeps an upgraded connection open", async () => {
    const { server, url, close } = await listen();
    server.on("upgrade", (_, socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await once(socket, "data");
    await Promise.all([close(), once(socket, "close")]);
  });

  test("can be closed twice, and even if a client never reads its answer", async () => {
    const { url, close } = await listen(() => {});
    const socket = net.connect(Number(new URL(url).port), "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "connect");
    await Promise.all([close(), once(socket, "close")]);
    await close();
    await expect(fetch(url)).rejects.toThrow();
  });
});
