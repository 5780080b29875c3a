import { createHash, randomBytes } from "node:crypto";
import type http from "node:http";
import { explanationOf } from "../http/explanation.ts";
import { type FailureAnswer, failureIn } from "./failure.ts";
import type { Hop, SeenToken, Station, Trace } from "./hop.ts";
import { safePath, safeText, seeToken } from "./secrets.ts";
import type { Traces } from "./traces.ts";

/** Longest answer that is read for the reason of a failure. */
const MAX_BODY_BYTES = 4096;
const TRACE_PARENT = /^00-(?!0{32})([\da-f]{32})-([\da-f]{16})-[\da-f]{2}$/;
const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const TOKEN_HEADERS = [
  ["authorization", "Authorization"],
  ["x-ms-token-aad-access-token", "X-MS-TOKEN-AAD-ACCESS-TOKEN"],
  ["x-ms-token-aad-id-token", "X-MS-TOKEN-AAD-ID-TOKEN"],
  ["x-zumo-auth", "X-ZUMO-AUTH"],
] as const;
const SESSION_COOKIE = /\bAppServiceAuthSession=([^;]+)/;
/** Stations that only answer. */
const ASK_NOBODY: readonly Station[] = ["Entra", "Graph", "Storage"];
/** The emulator's own addresses, which are not part of any flow; `/` is the control page, at Entra's. */
const OWN_PATHS = /^\/(trace|emulator)(\/|\?|$)/;
const CONTROL_PAGE = /^\/(\?|$)/;
/** Stations behind a gate, which alone can name the user to them. */
const BEHIND_GATES: readonly Station[] = ["frontend", "function"];

/**
 * Records every request to a server, before it listens. Requests belong together by `traceparent`, else by
 * `client-request-id`; one that has neither begins a trace, and gets a `traceparent`, so that a proxy passes it on.
 * `notes` are on every hop of this station.
 */
export function observe(
  server: http.Server,
  station: Station,
  traces: Traces,
  notes: Readonly<Hop["notes"]> = [],
): void {
  const emit = server.emit;
  server.emit = function (this: http.Server, event: string, ...args: unknown[]): boolean {
    const handle = () => Reflect.apply(emit, this, [event, ...args]) as boolean;
    const [request, response] = args as [http.IncomingMessage, http.ServerResponse];
    if (event !== "request" || isOwn(station, request.url ?? "")) return handle();
    const { traceId, parentId } = originOf(request);
    const trace = traces.traceOf(traceId);
    const hop = newHop(request, station, trace, parentId);
    hop.notes.push(...notes);
    noteUser(request.headers, station, trace, traces);
    return traces.run(trace, hop, () => {
      followAnswer(response, trace, hop, traces);
      return handle();
    });
  } as typeof server.emit;
}

function isOwn(station: Station, url: string): boolean {
  return OWN_PATHS.test(url) || (station === "Entra" && CONTROL_PAGE.test(url));
}

/** Notes the user of a request, when a session or a gate names one. */
function noteUser(headers: http.IncomingHttpHeaders, station: Station, trace: Trace, traces: Traces): void {
  const [, session] = SESSION_COOKIE.exec(headers.cookie ?? "") ?? [];
  if (session) trace.session ??= createHash("sha256").update(session).digest("base64url");
  const user = headers["x-ms-client-principal-id"];
  if (BEHIND_GATES.includes(station) && user !== undefined) traces.noteUser(trace, String(user));
}

/**
 * Records a request that a gate sends to an app in another process, where no server can be observed. `notes` are on every
 * hop of this station.
 */
export function observeForwarded(
  outgoing: http.ClientRequest,
  station: Station,
  traces: Traces,
  notes: Readonly<Hop["notes"]>,
): void {
  const current = traces.current;
  if (!current) return;
  const { trace, hop: gate } = current;
  const { method, path: url } = outgoing;
  const headers = outgoing.getHeaders() as http.IncomingHttpHeaders;
  const hop = newHop({ headers, method, url }, station, trace, gate.spanId);
  hop.notes.push(...notes);
  traces.add(trace, hop);
  noteUser(headers, station, trace, traces);
  const startedAt = performance.now();
  let status: number | undefined;
  outgoing.once("response", (answer) => {
    status = answer.statusCode;
  });
  outgoing.once("close", () => traces.end(trace, hop, status, performance.now() - startedAt));
}

/** Returns the trace of a request and the hop that it comes from; begins a trace without them. */
function originOf({ headers, url = "" }: http.IncomingMessage): { traceId: string; parentId: string | undefined } {
  const [, traceId, parentId] = TRACE_PARENT.exec(String(headers.traceparent)) ?? [];
  if (traceId) return { traceId, parentId };
  const query = new URLSearchParams(url.replace(/^[^?]*/, ""));
  const requestId = String(headers["client-request-id"] ?? query.get("client-request-id"));
  if (GUID.test(requestId)) return { traceId: requestId.replaceAll("-", "").toLowerCase(), parentId: undefined };
  const newId = randomBytes(16).toString("hex");
  headers.traceparent = `00-${newId}-${randomBytes(8).toString("hex")}-00`;
  return { traceId: newId, parentId: undefined };
}

function newHop(
  request: Pick<http.IncomingMessage, "headers"> & {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
  },
  station: Station,
  trace: Trace,
  parentId: string | undefined,
): Hop {
  const { headers, method = "GET", url = "/" } = request;
  const isOpenStation = (hop: Hop) => hop.durationMs === undefined && !ASK_NOBODY.includes(hop.station);
  const known = trace.hops.find(({ spanId }) => spanId === parentId);
  const sender = known ?? senderAt(station, trace.hops.findLast(isOpenStation));
  const outside = headers["user-agent"]?.startsWith("Mozilla/") ? "browser" : "client";
  return {
    ...{ station, method, sender: sender?.station ?? outside, depth: sender ? sender.depth + 1 : 0 },
    path: safePath(url),
    spanId: randomBytes(8).toString("hex"),
    startedAt: Date.now(),
    tokens: tokensIn(headers),
    notes: notesOn(headers),
    logs: [],
  };
}

/**
 * Returns the station that sent a request. A gate marks its own requests; any other request to Entra or Graph while the API's
 * gate waits comes from a function in another process.
 */
function senderAt(station: Station, hop: Hop | undefined): Pick<Hop, "station" | "depth"> | undefined {
  const isUnseen = hop?.station === "API gate" && station !== "function";
  return isUnseen ? { station: "function", depth: hop.depth + 1 } : hop;
}

function tokensIn(headers: http.IncomingHttpHeaders): SeenToken[] {
  return TOKEN_HEADERS.flatMap(([header, where]) => {
    const token = /^(?:Bearer +)?(\S+)$/i.exec(String(headers[header] ?? ""))?.[1];
    return token === undefined ? [] : [seeToken(where, token)];
  });
}

/** Notes for headers that are there but not shown. */
function notesOn(headers: http.IncomingHttpHeaders): Hop["notes"] {
  const notes: Hop["notes"] = [];
  if (SESSION_COOKIE.test(headers.cookie ?? "")) notes.push(["Cookie", "of a session (not shown)"]);
  if (headers["x-ms-token-aad-refresh-token"]) notes.push(["X-MS-TOKEN-AAD-REFRESH-TOKEN", "(not shown)"]);
  return notes;
}

function followAnswer(response: http.ServerResponse, trace: Trace, hop: Hop, traces: Traces): void {
  const startedAt = performance.now();
  const answer = keepFailure(response);
  response.once("close", () => {
    const isWhole = response.writableFinished;
    const { statusCode } = response;
    const reason = explanationOf(response);
    if (reason !== undefined) hop.failure ??= { code: String(statusCode), text: safeText(reason) };
    else if (isWhole && statusCode >= 400) hop.failure ??= failureIn(statusCode, answer());
    traces.end(trace, hop, isWhole ? response.statusCode : undefined, performance.now() - startedAt);
  });
}

/** Keeps the challenge and the beginning of what is written as the answer, when that is a failure. */
function keepFailure(response: http.ServerResponse): () => FailureAnswer {
  const chunks: Buffer[] = [];
  let size = 0;
  let headers: object = {};
  const keep = (chunk: unknown) => {
    if (response.statusCode < 400 || size > MAX_BODY_BYTES) return;
    if (typeof chunk !== "string" && !(chunk instanceof Uint8Array)) return;
    const bytes = Buffer.from(chunk as string);
    size += bytes.length;
    chunks.push(bytes);
  };
  before(response, "write", ([chunk]) => keep(chunk));
  before(response, "end", ([chunk]) => keep(chunk));
  // getHeader does not know headers that are given to writeHead.
  before(response, "writeHead", (args) => {
    headers = args.find((arg) => typeof arg === "object" && arg !== null) ?? {};
  });
  return () => ({
    challenge: (headers as http.OutgoingHttpHeaders)["www-authenticate"] ?? response.getHeader("www-authenticate"),
    body: size > MAX_BODY_BYTES ? "" : Buffer.concat(chunks).toString(),
  });
}

function before(response: http.ServerResponse, name: "write" | "end" | "writeHead", look: (args: unknown[]) => void) {
  const original: unknown = response[name];
  response[name] = function (this: http.ServerResponse, ...args: unknown[]) {
    look(args);
    return Reflect.apply(original as () => unknown, this, args);
  } as never;
}
