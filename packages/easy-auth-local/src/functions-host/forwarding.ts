import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { endEmpty, isAscii, isContinueAsked } from "./kestrel.ts";
import { INVOCATION_ID_HEADER } from "./worker-server.ts";

/** Reason why a request did not get its whole answer, in the words of the real host's proxy, YARP. */
export type ForwarderError =
  /** The worker's server could not be reached, or broke off before its headers: answered 500. */
  | "Request"
  /** No byte moved for too long: answered 500, or broken off after the headers. */
  | "RequestTimedOut"
  /** The worker's server broke off in the middle of the body, and so did the host. */
  | "ResponseBodyDestination"
  /** The worker's headers cannot be sent: answered 500. */
  | "ResponseHeaders"
  /** The client disconnected. */
  | "RequestCanceled"
  /** `functionTimeout` is over: answered 500, or broken off after the headers. */
  | "FunctionTimedOut";

export interface Forwarding {
  /** Path and query for the worker's server. */
  readonly path: string;
  /** Port of the worker's server, on 127.0.0.1. */
  readonly port: number;
  readonly invocationId: string;
  /** Milliseconds for which no byte may move in either direction. */
  readonly activityTimeoutMs: number;
  /** Aborted when `functionTimeout` is over. */
  readonly signal: AbortSignal;
  /** Called with the reason when the request does not reach the function; it then gets no answer. */
  readonly onUnreached: (reason: string) => void;
}

/** Headers of one connection, not of the message: RFC 9110, 7.6.1. `Transfer-Encoding` tells Node that there is a body. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];
/** The host has answered `Expect`; YARP leaves out `Host`. */
const NOT_SENT = [...HOP_BY_HOP, "expect", "host"];
const NOT_ANSWERED = [...HOP_BY_HOP, "transfer-encoding"];

/**
 * Sends the request to the worker's server and the answer to the client, bodies as they come and no faster than they are
 * taken. Resolves when that is over, with the reason when it went wrong; never rejects. A request that the real host
 * cannot hand on is not answered before `functionTimeout`, as there.
 */
export async function forward(
  request: IncomingMessage,
  answer: ServerResponse,
  forwarding: Forwarding,
): Promise<ForwarderError | undefined> {
  let failure: ForwarderError | undefined;
  const ending = new AbortController();
  // The first failure is the reason; further ones follow from it.
  const fail = (reason: ForwarderError) => {
    failure ??= reason;
    ending.abort();
  };
  answer.once("close", () => fail("RequestCanceled"));
  forwarding.signal.addEventListener("abort", () => fail("FunctionTimedOut"), { once: true });
  try {
    await handOn(request, answer, forwarding, fail, ending.signal);
    return undefined;
  } catch {
    if (answer.headersSent) answer.destroy();
    else if (!answer.destroyed) endEmpty(answer, 500);
    return failure;
  } finally {
    // The answer may end before the request: the rest of the request is dropped, so that its sender reads the answer.
    request.resume();
  }
}

async function handOn(
  request: IncomingMessage,
  answer: ServerResponse,
  forwarding: Forwarding,
  fail: (reason: ForwarderError) => void,
  signal: AbortSignal,
): Promise<void> {
  const obstacle = obstacleTo(request);
  if (obstacle !== undefined) return waitInVain(forwarding, signal, obstacle);
  const outgoing = send(request, forwarding);
  const responded = once(outgoing, "response", { signal });
  let isWhole = () => false;
  outgoing.once("response", (received) => {
    isWhole = () => received.complete;
  });
  // Errors after the whole answer do not count: a body that is not read, or more of it than was announced.
  outgoing.once("timeout", () => fail("RequestTimedOut")).on("error", () => isWhole() || fail("Request"));
  signal.addEventListener("abort", () => outgoing.destroy());
  request.pipe(outgoing);
  try {
    const [response] = (await responded) as [IncomingMessage];
    response.once("error", () => fail("ResponseBodyDestination"));
    const isFromParser = response.statusCode === 431 && response.headers[INVOCATION_ID_HEADER] === undefined;
    if (isFromParser) await waitInVain(forwarding, signal, "the worker's server refuses it with 431");
    copyHead(response, answer, fail);
    await pipeline(response, answer);
  } finally {
    request.unpipe(outgoing);
    outgoing.destroy();
  }
}

/** Returns the reason why the host's HTTP client cannot send a request to the worker. */
function obstacleTo(request: IncomingMessage): string | undefined {
  const { headers, headersDistinct } = request;
  const name = Object.entries(headersDistinct).find(([, values]) => !isAscii(values?.join() ?? ""))?.[0];
  if (name !== undefined) return `the header ${name} is not ASCII`;
  if (headers.expect !== undefined && !isContinueAsked(request)) return "its Expect is not 100-continue";
  return undefined;
}

/** Rejects when the time of the function is over, or the client has disconnected. */
async function waitInVain({ onUnreached }: Forwarding, signal: AbortSignal, reason: string): Promise<never> {
  onUnreached(reason);
  if (!signal.aborted) await once(signal, "abort");
  throw new Error(reason);
}

function send(request: IncomingMessage, forwarding: Forwarding): http.ClientRequest {
  const { method, headers, headersDistinct, socket } = request;
  const { port, path, invocationId, activityTimeoutMs } = forwarding;
  return http.request({
    ...{ host: "127.0.0.1", port, method, path, agent: false, timeout: activityTimeoutMs },
    headers: {
      ...without(NOT_SENT, headersDistinct),
      "x-forwarded-for": socket.remoteAddress ?? "",
      "x-forwarded-host": headers.host ?? "",
      "x-forwarded-proto": "http",
      [INVOCATION_ID_HEADER]: invocationId,
      // A server that is told "close" cuts off a client who still sends when the answer has ended.
      connection: "keep-alive",
    },
  });
}

/** Copies status and headers, over those that are set already. Throws for a header that Kestrel does not send. */
function copyHead(response: IncomingMessage, answer: ServerResponse, fail: (reason: ForwarderError) => void): void {
  const { statusCode = 500, statusMessage = "", headersDistinct } = response;
  const headers = Object.entries(without(NOT_ANSWERED, headersDistinct));
  const refused = headers.find(([, values]) => !isAscii(values?.join() ?? ""));
  if (refused) {
    fail("ResponseHeaders");
    throw new Error(`Invalid non-ASCII or control character in header ${refused[0]}.`);
  }
  for (const [name, values = []] of headers) answer.setHeader(name, values.length === 1 ? String(values[0]) : values);
  answer.statusCode = statusCode;
  answer.statusMessage = statusMessage;
}

function without<T>(names: readonly string[], headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
