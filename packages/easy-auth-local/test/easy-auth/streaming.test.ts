import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { decodeJwt } from "jose";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Account, API } from "../../src/directory/directory.ts";
import { listenOnLoopback } from "../../src/http/loopback-server.ts";
import { apiSettings, echoed, frontendSettings, openGate, principalClaims, signedIn, surroundings } from "./fixture.ts";

const CROWD: readonly Account[] = Array.from({ length: 60 }, (_, index) => ({
  key: `crowd-${index}`,
  objectId: `00000000-0000-0000-0000-${String(index).padStart(12, "0")}`,
  shows: "One of many.",
  consentToGraph: true,
  profile: { displayName: `Person ${index}`, userPrincipalName: `person-${index}@contoso.example` },
}));
const around = surroundings({}, CROWD);

async function authorization(): Promise<string> {
  return `Bearer ${await around.apiToken()}`;
}

/** Opens a gate in front of this app. */
async function gateBefore(
  listener: http.RequestListener,
  timeoutMs?: number,
): Promise<{ url: string; server: http.Server }> {
  const server = http.createServer(listener);
  const app = await listenOnLoopback(server, 0);
  onTestFinished(() => {
    server.closeAllConnections();
    return app.close();
  });
  const options = { upstream: app.url, ...(timeoutMs !== undefined && { upstreamTimeoutMs: timeoutMs }) };
  return { url: await openGate(around, apiSettings(), options), server };
}

function open(url: string, options: http.RequestOptions): http.ClientRequest {
  const { port, pathname } = new URL(url);
  return http.request({ host: "127.0.0.1", port, path: pathname, ...options });
}

describe("an answer", () => {
  test("reaches the client part by part, as the app sends it", async () => {
    let sendMore: (text: string) => void = () => {};
    const { url } = await gateBefore((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: 1\n\n");
      sendMore = (text) => response.write(text);
    });
    const response = await fetch(`${url}/events`, { headers: { authorization: await authorization() } });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe("data: 1\n\n");
    // This is sent only after the first part was read: a gate that buffers never gets here.
    sendMore("data: 2\n\n");
    expect((await reader?.read())?.value).toBe("data: 2\n\n");
    await reader?.cancel();
  });

  test("that the app breaks off is broken off for the client", async () => {
    const { url } = await gateBefore((_, response) => {
      response.writeHead(200, { "content-length": "10" }).write("12345", () => response.destroy());
    });
    const response = await fetch(`${url}/x`, { headers: { authorization: await authorization() } });
    await expect(response.text()).rejects.toThrow();
  });
});

describe("an upload", () => {
  test("reaches the app part by part, as the client sends it", async () => {
    const app = { received: [] as string[], wake: () => {} };
    const { url } = await gateBefore((request, response) => {
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        app.received.push(chunk);
        app.wake();
      });
      request.on("end", () => response.end("done"));
    });
    const upload = open(`${url}/upload`, { method: "POST", headers: { authorization: await authorization() } });
    const answered = once(upload, "response");
    for (const part of ["one", "two"]) {
      const arrived = new Promise<void>((resolve) => {
        app.wake = resolve;
      });
      upload.write(part);
      await arrived;
    }
    expect(app.received).toEqual(["one", "two"]);
    upload.end();
    const [response] = (await answered) as [http.IncomingMessage];
    expect(response.statusCode).toBe(200);
    response.resume();
  });
});

describe("a client that leaves", () => {
  test.each(["before the answer", "in the middle of it"])("%s ends the app's request", async (when) => {
    const [began, ended] = [withResolvers<void>(), withResolvers<void>()];
    const { url } = await gateBefore((_, response) => {
      response.once("close", ended.resolve);
      began.resolve();
      if (when !== "before the answer") response.writeHead(200).write("part");
    });
    const request = open(`${url}/x`, { headers: { authorization: await authorization() } });
    request.on("error", () => {});
    const answered = once(request, "response").catch(() => undefined);
    request.end();
    await began.promise;
    if (when !== "before the answer") await answered;
    request.destroy();
    await ended.promise;
  });
});

describe("an app", () => {
  test("that is down gives a page with status 502 that names the app", async () => {
    const url = await openGate(around, apiSettings(), { upstream: "http://localhost:9" });
    const response = await fetch(`${url}/x`, { headers: { authorization: await authorization() } });
    expect(response.status).toBe(502);
    const html = await response.text();
    expect(html).toContain("invalid response while acting as a gateway or proxy server");
    expect(html).toContain("http://localhost:9");
  });

  test("that closes the connection without an answer gives 502", async () => {
    const { url } = await gateBefore((request) => request.socket.destroy());
    expect((await fetch(`${url}/x`, { headers: { authorization: await authorization() } })).status).toBe(502);
  });

  test("that exceeds the time-out gives 504, and its request is ended", async () => {
    const closed = withResolvers<void>();
    const { url } = await gateBefore((_, response) => response.once("close", closed.resolve), 50);
    expect((await fetch(`${url}/x`, { headers: { authorization: await authorization() } })).status).toBe(504);
    await closed.promise;
  });

  test("learns how the client reached the gate, whatever headers the client sends about it", async () => {
    const url = await openGate(around, apiSettings());
    const headers = {
      authorization: await authorization(),
      "x-forwarded-host": "spoofed",
      "x-forwarded-for": "spoofed",
    };
    const reached = await echoed(await fetch(`${url}/x`, { headers }));
    const { host, port } = new URL(url);
    expect(reached.headers).toMatchObject({
      host,
      "x-forwarded-host": host,
      "x-forwarded-proto": "http",
      "x-forwarded-port": port,
      "x-forwarded-for": expect.stringMatching(/127\.0\.0\.1$/),
    });
  });
});

describe("60 users at once", () => {
  test("each reach the app with their own headers", async () => {
    const url = await openGate(around, apiSettings());
    const seen = await Promise.all(
      CROWD.map(async (account) => {
        const token = await around.issuer.apiToken({ account, audience: API, scope: "user_impersonation" });
        const { headers } = await echoed(await fetch(`${url}/x`, { headers: { authorization: `Bearer ${token}` } }));
        return [
          headers["x-ms-client-principal-id"],
          headers["x-ms-client-principal-name"],
          headers.authorization === `Bearer ${token}`,
        ];
      }),
    );
    expect(seen).toEqual(CROWD.map(({ objectId, profile }) => [objectId, profile.userPrincipalName, true]));
  });
});

describe("60 sessions at once", () => {
  test("each reach the app with their own headers", async () => {
    const url = await openGate(around, frontendSettings());
    const browsers = await Promise.all(CROWD.map(({ key }) => signedIn(url, key)));
    const seen = await Promise.all(
      browsers.map(async (browser) => (await echoed(await browser.request(`${url}/x`))).headers),
    );
    const users = seen.map((headers) => [
      headers["x-ms-client-principal-id"],
      headers["x-ms-client-principal-name"],
      principalClaims(headers).find(({ typ }) => typ.endsWith("/objectidentifier"))?.val,
      decodeJwt(headers["x-ms-token-aad-access-token"] ?? "").oid,
      decodeJwt(headers["x-ms-token-aad-id-token"] ?? "").oid,
    ]);
    expect(users).toEqual(
      CROWD.map(({ objectId, profile }) => [objectId, profile.userPrincipalName, objectId, objectId, objectId]),
    );
    const ownRefreshTokens = await Promise.all(
      browsers.map(async (browser) => {
        const [entry] = (await (await browser.request(`${url}/.auth/me`)).json()) as [Record<string, string>];
        return entry.refresh_token;
      }),
    );
    expect(new Set(ownRefreshTokens).size).toBe(CROWD.length);
    expect(seen.map((headers) => headers["x-ms-token-aad-refresh-token"])).toEqual(ownRefreshTokens);
  });
});

describe("a client that speaks HTTP/1.0, as ab does", () => {
  const LENGTH = { "content-length": "5" };

  test.each([
    [
      "and keeps alive gets an answer with its length, and may ask again",
      "Connection: Keep-Alive",
      LENGTH,
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*connection: keep-alive\r\n[\s\S]*\r\n\r\nhelloHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/i,
    ],
    [
      "and keeps alive gets the end of the connection for an answer without a length",
      "Connection: Keep-Alive",
      {},
      /^HTTP\/1\.1 200 OK\r\n(?![\s\S]*(chunked|connection: keep-alive))[\s\S]*connection: close\r\n[\s\S]*\r\n\r\nhello$/i,
    ],
    [
      "and does not gets the end of the connection",
      "X-A: b",
      LENGTH,
      /^HTTP\/1\.1 200 OK\r\n(?![\s\S]*connection: keep-alive)[\s\S]*\r\n\r\nhello$/i,
    ],
  ])("%s", async (_, header, answered, expected) => {
    const { url } = await gateBefore((__, response) => void response.writeHead(200, answered).end("hello"));
    const { host, port } = new URL(url);
    const socket = net.connect(Number(port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    const lines = [`GET /x HTTP/1.0`, `Host: ${host}`, header, `Authorization: ${await authorization()}`];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    let received = "";
    socket.on("data", (bytes) => {
      received += bytes.toString();
      const isFirst = received.match(/HTTP\/1\.1/g)?.length === 1;
      if (isFirst && received.endsWith("hello") && /connection: keep-alive/i.test(received)) {
        socket.write(
          `GET /x HTTP/1.0\r\n${lines
            .slice(1)
            .filter((line) => line !== header)
            .join("\r\n")}\r\n\r\n`,
        );
      }
    });
    await once(socket, "close");
    expect(received).toMatch(expected);
  });
});

describe("a WebSocket", () => {
  const HANDSHAKE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: eA==",
  ];

  /** Sends a handshake byte for byte; resolves to the socket and the head of the answer. */
  async function connect(url: string, lines: readonly string[]): Promise<{ socket: net.Socket; head: string }> {
    const { host, port } = new URL(url);
    const socket = net.connect(Number(port), "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    socket.write(`${["GET /socket HTTP/1.1", `Host: ${host}`, ...lines].join("\r\n")}\r\n\r\n`);
    const [head] = (await once(socket, "data")) as [Buffer];
    return { socket, head: head.toString() };
  }

  /** Starts an app that accepts every upgrade and echoes each message behind the name of the user. */
  async function socketApp(): Promise<string> {
    const { url, server } = await gateBefore(() => {});
    server.on("upgrade", (request, socket) => {
      socket.on("error", () => {});
      socket.on("end", () => socket.end());
      const user = request.headers["x-ms-client-principal-name"];
      const spoofed = request.headers["x-ms-client-principal-something"];
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
      socket.on("data", (message: Buffer) => socket.write(`${user} ${spoofed}: ${message}`));
    });
    return url;
  }

  test("passes with the user's headers and without spoofed ones, both ways", async () => {
    const url = await socketApp();
    const lines = [...HANDSHAKE, `Authorization: ${await authorization()}`, "X-MS-CLIENT-PRINCIPAL-SOMETHING: spoofed"];
    const { socket, head } = await connect(url, lines);
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    socket.write("hello");
    const [echo] = (await once(socket, "data")) as [Buffer];
    expect(echo.toString()).toBe("adele.vance@contoso.example undefined: hello");
  });

  test("without a user is refused with the challenge, and the connection ends", async () => {
    const url = await socketApp();
    const { socket, head } = await connect(url, HANDSHAKE);
    expect(head).toMatch(/^HTTP\/1\.1 401 /);
    expect(head).toMatch(/\r\nwww-authenticate: Bearer realm=/);
    await once(socket, "close");
  });

  test("to an app that is down gives 502", async () => {
    const url = await openGate(around, apiSettings(), { upstream: "http://localhost:9" });
    const { head } = await connect(url, [...HANDSHAKE, `Authorization: ${await authorization()}`]);
    expect(head).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("is the only upgrade; another, such as that of curl --http2, is ignored every time", async () => {
    const url = await openGate(around, apiSettings());
    const lines = [
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
      `Authorization: ${await authorization()}`,
    ];
    const { socket, head } = await connect(url, lines);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    const { host } = new URL(url);
    socket.write(`POST /again HTTP/1.1\r\nHost: ${host}\r\n${lines.join("\r\n")}\r\nContent-Length: 2\r\n\r\n`);
    socket.write("ab");
    const [rest] = ((await once(socket, "data")) as [Buffer]).map(String);
    expect(rest).toMatch(/^HTTP\/1\.1 200 OK\r\n/m);
    expect(rest).not.toMatch(/http2-settings|h2c/);
  });
});

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
