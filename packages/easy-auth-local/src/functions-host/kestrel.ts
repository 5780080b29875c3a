import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { readTarget } from "./request-target.ts";

/**
 * Limits of the real host's server, in bytes.
 * https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits
 */
const MAX_REQUEST_LINE = 8192;
const MAX_HEADERS_SIZE = 32_768;
const MAX_HEADER_COUNT = 100;
/**
 * Bytes of headers that Node parses: more than Kestrel's limits, which are checked here, so that each gets its own
 * status.
 */
export const PARSED_HEADER_SIZE = 262_144;

/** Error of Node's parser, with the bytes that it could not read. */
interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });
/** Connections whose last answer was sent. */
const ended = new WeakSet<Socket>();

/**
 * Returns the status with which the real host's server refuses a request before the host sees it; undefined for one that
 * it takes. Node's parser refuses a few more; the test of the recorded answers lists them.
 */
export function refusalOf(request: IncomingMessage): 400 | 414 | 431 | 505 | undefined {
  const { method = "", url = "", httpVersion, rawHeaders, headers } = request;
  if (!/^1\.[01]$/.test(httpVersion)) return httpVersion === "0.9" ? 400 : 505;
  if (`${method} ${url} HTTP/1.1\r\n`.length > MAX_REQUEST_LINE) return 414;
  if (rawHeaders.length / 2 > MAX_HEADER_COUNT || headersSize(rawHeaders) > MAX_HEADERS_SIZE) return 431;
  if ((request.headersDistinct.host ?? []).length > 1) return 400;
  const hasLength = "content-length" in headers || "transfer-encoding" in headers;
  if (httpVersion === "1.0" && /^(POST|PUT)$/.test(method) && !hasLength) return 400;
  if (!/^(.*,\s*)?chunked$/i.test(headers["transfer-encoding"] ?? "chunked")) return 400;
  if (rawHeaders.some((text) => decodeHeader(text) === undefined)) return 400;
  return readTarget(url, headers.host) ? undefined : 400;
}

/** Decodes a header that Node read as Latin-1. Returns undefined when it is no UTF-8. */
export function decodeHeader(text: string): string | undefined {
  if (isAscii(text)) return text;
  try {
    return UTF8.decode(Buffer.from(text, "latin1"));
  } catch {
    return undefined;
  }
}

/** Tells whether the host's server and its HTTP client take a text in a header. Control characters are not judged here. */
export function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: tabs and control characters are judged elsewhere
  return /^[\x00-\x7f]*$/.test(text);
}

/** Answers a request that Kestrel does not hand on to the host, and ends its connection. */
export function refuse({ socket }: IncomingMessage, response: ServerResponse, status: number): void {
  ended.add(socket);
  response.shouldKeepAlive = false;
  endEmpty(response, status);
}

/** Answers with a status and no body. */
export function endEmpty(response: ServerResponse, status: number): void {
  response.statusCode = status;
  response.end();
}

/**
 * Makes `server` treat bytes that Node's parser cannot read as Kestrel does, and pass on requests with `Expect` like any
 * other. `breakOff` is asked for the answer under way on such a connection; it returns false when there is none.
 */
export function actLikeKestrel(server: Server, breakOff: (socket: Socket) => boolean): void {
  const asRequest = (request: IncomingMessage, response: ServerResponse) => server.emit("request", request, response);
  server.on("checkExpectation", asRequest);
  server.on("checkContinue", asRequest);
  server.on("clientError", (error: ParserError, duplex) => {
    const socket = duplex as Socket;
    const isCutShort = error.code === "HPE_INVALID_EOF_STATE" || error.code === "ECONNRESET";
    if (isCutShort) return void socket.destroy();
    if (!socket.writable || ended.has(socket) || breakOff(socket)) return;
    ended.add(socket);
    socket.end(`HTTP/1.1 ${statusLineOf(error)}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  });
}

/** Tells whether the client waits for "100 Continue" before it sends the body. */
export function isContinueAsked({ headers }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === "100-continue";
}

function statusLineOf({ code, rawPacket }: ParserError): string {
  if (code === "HPE_HEADER_OVERFLOW") return "431 Request Header Fields Too Large";
  const isOtherVersion = code === "HPE_INVALID_VERSION" && / HTTP\/\d\.\d\r\n/.test(String(rawPacket));
  return isOtherVersion ? "505 HTTP Version Not Supported" : "400 Bad Request";
}

function headersSize(rawHeaders: readonly string[]): number {
  // Each line also has a colon, a space and a line end.
  return rawHeaders.reduce((size, text) => size + text.length + 2, 0);
}
