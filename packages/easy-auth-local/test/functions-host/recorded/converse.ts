import { once } from "node:events";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Recorded, RecordedAnswer, RecordedConversation } from "./answers.ts";

/** Silence after which a connection counts as open, or a request as not answered. */
const SILENCE_MS = 1000;
const LIMIT_MS = 20_000;
const NOT_COMPARED =
  /^(date|server|keep-alive|transfer-encoding|content-length|traceparent|x-ms-invocation-id): |^connection: keep-alive$/i;

/**
 * Sends a recorded client's bytes and resolves to the answers. Waits until the connection is closed, however long that
 * takes, if it was closed in the recording; otherwise for as many answers as were recorded.
 */
export async function converse(
  port: number,
  { steps, thenEndsSending }: RecordedConversation,
  expected: Recorded,
): Promise<Recorded> {
  const socket = net.connect(port, "127.0.0.1");
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = once(socket, "close").catch(() => {});
  const isHead = steps.some((step) => "bytes" in step && step.bytes.startsWith("HEAD"));
  await send(socket, steps);
  if (thenEndsSending) socket.end();
  const limit = AbortSignal.timeout(LIMIT_MS);
  const count = expected === "no answer" ? 0 : expected.answers.length;
  const isWaiting = () => expected === "no answer" || !expected.open || parse(received, isHead).length < count;
  if (expected === "no answer") await Promise.race([closed, wait(SILENCE_MS)]);
  else {
    while (isWaiting() && !socket.destroyed && !limit.aborted) await Promise.race([closed, wait(20)]);
    if (expected.open && count === 0) await Promise.race([closed, wait(SILENCE_MS)]);
    if (expected.open) await Promise.race([closed, wait(SILENCE_MS / 4)]);
  }
  const open = !socket.destroyed && !socket.readableEnded;
  socket.destroy();
  return open && received === "" ? "no answer" : { answers: parse(received, isHead), open };
}

async function send(socket: net.Socket, steps: RecordedConversation["steps"]): Promise<void> {
  for (const step of steps) {
    if ("pause" in step) await wait(step.pause);
    else if (!socket.writable) return;
    else if ("repeat" in step) socket.write(Buffer.alloc(step.times, step.repeat));
    else socket.write(expand(step.bytes), "latin1");
  }
}

function expand(text: string): string {
  return text.replace(/<(.) × (\d+)>/g, (_, character: string, count) => character.repeat(Number(count)));
}

function parse(text: string, isHead: boolean): RecordedAnswer[] {
  const end = text.indexOf("\r\n\r\n");
  if (!text.startsWith("HTTP/") || end < 0) return [];
  const [statusLine = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(statusLine.split(" ")[1]);
  const headerOf = (name: string) =>
    lines.find((line) => line.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2);
  const hasBody = !isHead && status >= 200 && status !== 204 && status !== 304;
  const { body, rest } = hasBody ? bodyOf(text.slice(end + 4), headerOf) : { body: "", rest: text.slice(end + 4) };
  if (body === undefined) return [];
  const compared = lines.filter((line) => !NOT_COMPARED.test(line)).map((line) => line.split(/: (.*)/s));
  const headers = Object.fromEntries(compared.map(([name = "", value = ""]) => [name.toLowerCase(), value]));
  return [{ status, headers, body: shorten(body) }, ...parse(rest, isHead)];
}

type Framed = { readonly body: string | undefined; readonly rest: string };

/** Reads a body; undefined while a part of it is missing. */
function bodyOf(text: string, headerOf: (name: string) => string | undefined): Framed {
  const length = headerOf("content-length");
  if (length !== undefined) {
    return {
      body: text.length < Number(length) ? undefined : text.slice(0, Number(length)),
      rest: text.slice(Number(length)),
    };
  }
  if (!/chunked/i.test(headerOf("transfer-encoding") ?? "")) return { body: text, rest: "" };
  const lineEnd = text.indexOf("\r\n");
  const size = Number.parseInt(text.slice(0, lineEnd), 16);
  if (lineEnd < 0 || text.length < lineEnd + 4 + size) return { body: undefined, rest: "" };
  const rest = text.slice(lineEnd + 4 + size);
  if (size === 0) return { body: "", rest };
  const further = bodyOf(rest, headerOf);
  const chunk = text.slice(lineEnd + 2, lineEnd + 2 + size);
  return { body: further.body === undefined ? undefined : chunk + further.body, rest: further.rest };
}

/** Shortens pages and long repetitions, and parses JSON objects, as in the recordings. */
function shorten(body: string): unknown {
  const short = body
    .replace(/<!DOCTYPE html>[\s\S]*<\/html>\s*/, "<page>")
    .replace(/(.)\1{200,}/g, (text, character: string) => `<${character} × ${text.length}>`);
  return short.startsWith("{") ? JSON.parse(short) : short;
}
