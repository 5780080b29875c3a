import type http from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { correlationIdOf, errorReply } from "../entra/errors.ts";
import { graphError } from "../graph/errors.ts";
import { json, type Reply, type RoutedRequest, write } from "../http/router.ts";
import type { Fault } from "./fault.ts";

type Ask = () => Promise<Reply>;
type FaultOf<Kind extends Fault["kind"]> = Extract<Fault, { kind: Kind }>;

/** Text in every fault, so that a test finds it where it must not be. */
export const FAULT_TEXT = "As told to, this emulator fails.";

const HUGE_BYTES = 50_000_000;
const CHUNK = Buffer.alloc(65_536, "a");

/** Answers a request as a fault says; `ask` returns the answer without the fault. */
export async function showFault(fault: Fault, request: RoutedRequest, ask: Ask): Promise<Reply> {
  switch (fault.kind) {
    case "slow":
      return delayed(await ask(), fault.delayMs);
    case "hang":
      return { status: 0, send: () => {} };
    case "close":
      return { status: 0, send: (response) => response.destroy() };
    case "closeMidway":
      return closedMidway(await ask());
    case "status":
      return bareStatus(fault);
    case "entraError":
      return entraRefusal(fault, request);
    case "graphError":
      return graphRefusal(fault, request);
    case "truncatedJson":
      return truncated(await ask());
    case "html":
      return html(fault.status ?? 200);
    case "emptyToken":
      return withoutToken(await ask(), fault.missing ?? false);
    case "wrongContentType":
      return withContentType(await ask(), fault.contentType ?? "text/plain");
    case "redirect":
      return { status: 302, headers: { location: fault.location } };
    case "hugeBody":
      return { status: 200, send: (response) => void sendHugeBody(response) };
    case "compressed":
      return compressed(await ask(), fault.coding ?? "gzip");
  }
}

function delayed(reply: Reply, delayMs: number): Reply {
  const send = (response: http.ServerResponse) => {
    const timer = setTimeout(() => write(response, reply), delayMs);
    response.once("close", () => clearTimeout(timer));
  };
  return { ...reply, send };
}

/** Announces the length of the whole body, and sends half of it. */
function closedMidway(reply: Reply): Reply {
  const send = (response: http.ServerResponse) => {
    const body = bodyOf(reply);
    response.writeHead(reply.status, { ...reply.headers, "content-length": body.length } as http.OutgoingHttpHeaders);
    response.write(half(body), () => response.destroy());
  };
  return { ...reply, send };
}

function bareStatus({ status, retryAfter, body }: FaultOf<"status">): Reply {
  const headers = { ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }) };
  return body === undefined ? { status, headers } : json(status, body, headers);
}

function entraRefusal({ kind, ...refusal }: FaultOf<"entraError">, request: RoutedRequest): Reply {
  return errorReply({ ...refusal, text: FAULT_TEXT }, correlationIdOf(request));
}

function graphRefusal({ status, code, headers }: FaultOf<"graphError">, request: RoutedRequest): Reply {
  const reply = graphError(request, status, code, FAULT_TEXT);
  return { ...reply, headers: { ...reply.headers, ...headers } };
}

function truncated(reply: Reply): Reply {
  return { ...reply, body: half(bodyOf(reply)) };
}

/** Makes the page with which a proxy, captive portal or gateway answers in a service's place. */
function html(status: number): Reply {
  const body = `<!doctype html>\n<html><head><title>${status}</title></head><body><h1>${FAULT_TEXT}</h1></body></html>\n`;
  return { status, headers: { "content-type": "text/html; charset=utf-8" }, body };
}

/** Removes or empties the access token of a successful answer; leaves other answers as they are. */
function withoutToken(reply: Reply, missing: boolean): Reply {
  if (reply.status !== 200) return reply;
  const content = JSON.parse(bodyOf(reply).toString()) as Record<string, unknown>;
  return { ...reply, body: JSON.stringify({ ...content, access_token: missing ? undefined : "" }) };
}

function withContentType(reply: Reply, contentType: string): Reply {
  const { "content-type": _, ...headers } = reply.headers ?? {};
  return { ...reply, headers: { ...headers, ...(contentType !== "" && { "content-type": contentType }) } };
}

const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync } as const;

/** Compresses the normal body, whether the client asked for it or not. */
function compressed(reply: Reply, coding: keyof typeof ENCODERS): Reply {
  return { ...reply, headers: { ...reply.headers, "content-encoding": coding }, body: ENCODERS[coding](bodyOf(reply)) };
}

/** Sends JSON that does not end, until the client disconnects or has 50 MB. */
async function sendHugeBody(response: http.ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "application/json" });
  function* chunks() {
    yield `{"padding":"`;
    for (let sent = 0; sent < HUGE_BYTES; sent += CHUNK.length) yield CHUNK;
  }
  // It rejects when the client disconnects.
  await pipeline(Readable.from(chunks()), response).catch(() => {});
}

function bodyOf({ body = "" }: Reply): Buffer {
  return Buffer.from(body);
}

function half(body: Buffer): Buffer {
  return body.subarray(0, Math.floor(body.length / 2));
}
