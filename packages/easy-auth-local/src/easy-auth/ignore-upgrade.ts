import type http from "node:http";
import type { Socket } from "node:net";

const UPGRADE_HEADERS = /^(upgrade|http2-settings)$/i;
const UPGRADE_TOKENS = /\b(upgrade|http2-settings)\b\s*,?\s*/gi;

/**
 * Makes `server` read a request again without its `Upgrade`: a server ignores an upgrade that it does not know (RFC 9110,
 * 7.8), such as that of `curl --http2`. Node hands over each connection with an upgrade, and parses nothing more of it.
 */
export function ignoreUpgrade(server: http.Server, request: http.IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const [name = "", value = ""] = request.rawHeaders.slice(index, index + 2);
    if (UPGRADE_HEADERS.test(name)) continue;
    lines.push(`${name}: ${name.toLowerCase() === "connection" ? withoutUpgrade(value) : value}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1"), head]));
  server.emit("connection", socket);
}

function withoutUpgrade(connection: string): string {
  return connection.replace(UPGRADE_TOKENS, "").replace(/,\s*$/, "");
}
