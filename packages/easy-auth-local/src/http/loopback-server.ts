import { once } from "node:events";
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";

/** A listening server: where it is, and how to end it. */
export interface LoopbackServer {
  /** `http://localhost:<port>`, or https as the server speaks, without a slash at the end. */
  readonly url: string;
  /** Ends idle connections at once and the busy ones after `CLOSE_WITHIN_MS`. May be called twice. */
  close(): Promise<void>;
}

const CLOSE_WITHIN_MS = 3000;
/** Names of this machine in an address. */
export const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Characters that no host has: a server answers 400 to them (RFC 9112, 3.2). */
const NO_HOST = /[\s/\\?#]/;

/**
 * Puts a server on the loopback interface. Rejects with an error that names the port when it is taken.
 *
 * Requests for another host name are refused with 421: a page on the web that points its own name at 127.0.0.1
 * (DNS rebinding) must not reach a server that hands out tokens. `alsoServe` names the hosts served besides loopback.
 */
export async function listenOnLoopback(
  server: http.Server | https.Server,
  port: number,
  alsoServe: readonly string[] = [],
): Promise<LoopbackServer> {
  // Kestrel's value. Closing an idle connection just as a client reuses it loses the request.
  server.keepAliveTimeout = 130_000;
  refuseOtherHosts(server, new Set([...LOOPBACK_NAMES, ...alsoServe]));
  const sockets = openSocketsOf(server);
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    throw describeListenError(cause, port);
  }
  const { port: actualPort } = server.address() as AddressInfo;
  const scheme = server instanceof https.Server ? "https" : "http";
  return { url: `${scheme}://localhost:${actualPort}`, close: () => closeServer(server, sockets) };
}

function refuseOtherHosts(server: http.Server | https.Server, names: ReadonlySet<string>): void {
  const emit = server.emit;
  server.emit = function (this: http.Server, event: string, ...args: unknown[]): boolean {
    if (event === "request" || event === "upgrade") {
      const [request, answer] = args as [http.IncomingMessage, http.ServerResponse];
      const name = hostName(request.headers.host);
      if (!names.has(name)) {
        if (event === "upgrade") request.socket.destroy();
        else if (NO_HOST.test(name)) answer.writeHead(400, { connection: "close" }).end();
        else answer.writeHead(421, { "content-type": "text/plain" }).end("This server answers on localhost only.\n");
        return true;
      }
    }
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  } as typeof server.emit;
}

function hostName(host = ""): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/** Collects all sockets: `closeAllConnections` leaves out upgraded ones. */
function openSocketsOf(server: http.Server | https.Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

function describeListenError(cause: unknown, port: number): Error {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code !== "EADDRINUSE") return cause as Error;
  const error = new Error(
    `Port ${port} is in use. Stop what listens there (another stack, \`func start\`?) and start again, ` +
      "or take free ports with --free-ports.",
    { cause },
  );
  return Object.assign(error, { code, port });
}

async function closeServer(server: http.Server | https.Server, sockets: ReadonlySet<Socket>): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const force = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, CLOSE_WITHIN_MS);
  await closed;
  clearTimeout(force);
}

/** Finds a port that is free now, for a program that cannot report the port it took. */
export async function freePort(): Promise<number> {
  const { url, close } = await listenOnLoopback(http.createServer(), 0);
  await close();
  return Number(new URL(url).port);
}
