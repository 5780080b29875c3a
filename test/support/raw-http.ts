import { once } from "node:events";
import net from "node:net";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * Sends a request byte for byte on a connection of its own, for requests that no HTTP client would send. Adds `Host` if
 * it is missing. Reads until the server closes, so the headers should have `Connection: close`.
 */
export async function sendRaw(url: string, path: string, headers: readonly string[]): Promise<RawAnswer> {
  const { host, port } = new URL(url);
  const hasHost = headers.some((header) => /^host:/i.test(header));
  const lines = [`GET ${path} HTTP/1.1`, ...(hasHost ? [] : [`Host: ${host}`]), ...headers];
  const socket = net.connect(Number(port), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString();
  });
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await once(socket, "close");
  const [head = "", ...body] = answer.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head, body: body.join("\r\n\r\n") };
}
