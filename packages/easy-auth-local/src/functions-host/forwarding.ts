import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { INVOCATION_ID_HEADER } from "./worker-server.ts";

/** Why a request did not get its whole answer, in the words of the real host's proxy, YARP. */
export type ForwarderError =
  /** The worker's server could not be reached, or broke off before its headers: answered 502. */
  | "Request"
  /** Nothing moved for too long: answered 504, or broken off after the headers. */
  | "RequestTimedOut"
  /** The worker's server broke off in the middle of the body, and so did we. */
  | "ResponseBodyDestination"
  /** The caller left. */
  | "RequestCanceled";

export interface Forwarding {
  /** Of the worker's server, on 127.0.0.1. */
  readonly port: number;
  readonly invocationId: string;
  /** How long nothing may move, either way. */
  readonly activityTimeoutMs: number;
}

/** Of one connection, not of the message: RFC 9110, 7.6.1. Here `Transfer-Encoding` is what says that there is a body. */
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];
/** Node has answered `Expect`; YARP leaves out `Host`. */
const NOT_SENT = [...HOP_BY_HOP, "expect", "host"];
const NOT_ANSWERED = [...HOP_BY_HOP, "transfer-encoding"];

/**
 * Sends the request to the worker's server and the answer to the caller, bodies as they come and no faster than they are
 * taken. Resolves when that is over, with why when it went wrong; never rejects.
 */
export async function forward(
  request: IncomingMessage,
  answer: ServerResponse,
  forwarding: Forwarding,
): Promise<ForwarderError | undefined> {
  let failure: ForwarderError | undefined;
  const outgoing = send(request, forwarding);
  // What fails first is the reason; the rest follows from it. An error after the answer, of a body that nobody wants, is none.
  const fail = (reason: ForwarderError) => {
    failure ??= reason;
    outgoing.destroy();
  };
  answer.once("close", () => fail("RequestCanceled"));
  outgoing.once("timeout", () => fail("RequestTimedOut")).on("error", () => fail("Request"));
  request.pipe(outgoing);
  try {
    const [response] = (await once(outgoing, "response")) as [IncomingMessage];
    response.once("error", () => fail("ResponseBodyDestination"));
    copyHead(response, answer);
    await pipeline(response, answer);
    return undefined;
  } catch {
    if (!answer.destroyed) answer.writeHead(failure === "RequestTimedOut" ? 504 : 502).end();
    return failure;
  } finally {
    // The answer may end before the request: what is left of that is dropped, so that its sender comes to read.
    request.unpipe(outgoing).resume();
    outgoing.destroy();
  }
}

function send(request: IncomingMessage, { port, invocationId, activityTimeoutMs }: Forwarding): http.ClientRequest {
  const { method, url, headers, headersDistinct, socket } = request;
  return http.request({
    ...{ host: "127.0.0.1", port, method, path: url, agent: false, timeout: activityTimeoutMs },
    headers: {
      ...without(NOT_SENT, headersDistinct),
      "x-forwarded-for": socket.remoteAddress ?? "",
      "x-forwarded-host": headers.host ?? "",
      "x-forwarded-proto": "http",
      [INVOCATION_ID_HEADER]: invocationId,
      // A server that is told "close" cuts off a caller who still sends when the answer has ended.
      connection: "keep-alive",
    },
  });
}

/** As it came, over what is there already. */
function copyHead(
  { statusCode = 502, statusMessage = "", headersDistinct }: IncomingMessage,
  answer: ServerResponse,
): void {
  for (const [name, values = []] of Object.entries(without(NOT_ANSWERED, headersDistinct))) {
    answer.setHeader(name, values.length === 1 ? String(values[0]) : values);
  }
  answer.statusCode = statusCode;
  answer.statusMessage = statusMessage;
}

function without<T>(names: readonly string[], headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
