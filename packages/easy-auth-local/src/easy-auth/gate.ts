import http from "node:http";
import type net from "node:net";
import { explain } from "../http/explanation.ts";
import { type LoopbackServer, listenOnLoopback } from "../http/loopback-server.ts";
import { BadRequest, write } from "../http/router.ts";
import { safeText } from "../trace/secrets.ts";
import type { GateReply } from "./auth-route.ts";
import { corsHeaders } from "./cors.ts";
import type { GateOptions } from "./gate-options.ts";
import { encodeAsForFunctions } from "./headers.ts";
import { ignoreUpgrade } from "./ignore-upgrade.ts";
import { text } from "./pages.ts";
import { createPipeline } from "./pipeline.ts";
import { createUpstream, writeToSocket } from "./upstream.ts";

export type { GateOptions } from "./gate-options.ts";

/**
 * Maximum of bytes of a request's headers; more is answered 431.
 * https://azureossd.github.io/2022/06/08/Increasing-Request-Header-sizes-on-Linux-App-Services/
 */
const MAX_HEADER_SIZE = 65_536;

const MAX_LINE = 600;

/** Starts Easy Auth in front of one app: the same headers, routes and refusals, on loopback. */
export async function startGate(options: GateOptions): Promise<LoopbackServer> {
  const { upstream: url, cors, browserOrigin, upstreamTimeoutMs, onForward } = options;
  let ownUrl = "";
  const answer = createAnswer(options, () => ownUrl);
  const upstream = createUpstream({
    url,
    cors,
    browserOrigin,
    onForward,
    ...(upstreamTimeoutMs !== undefined && { timeoutMs: upstreamTimeoutMs }),
  });
  const server = http.createServer({ maxHeaderSize: MAX_HEADER_SIZE }, async (request, response) => {
    const reply = await answer(request);
    if (reply?.reason !== undefined) explain(response, reply.reason);
    if (reply) write(response, reply);
    else upstream.forward(request, response);
  });
  server.on("upgrade", async (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (request.headers.upgrade?.toLowerCase() !== "websocket") return ignoreUpgrade(server, request, socket, head);
    const reply = await answer(request);
    if (reply) writeToSocket(socket, reply);
    else upstream.upgrade(request, socket, head);
  });
  options.onServer?.(server);
  const listening = await listenOnLoopback(server, options.port ?? 0);
  ownUrl = listening.url;
  return listening;
}

/**
 * Makes the step that resolves to the gate's own answer, or to undefined when the request goes on to the app, its headers
 * set. Tells `onError` of failures and refusals.
 */
function createAnswer(options: GateOptions, ownUrl: () => string) {
  const { cors, onError = console.error } = options;
  const ownName = () => options.name ?? `Easy Auth at ${ownUrl()}`;
  const report = (step: string, error: unknown) => onError(`${ownName()}: ${step} failed: ${describe(error)}`);
  const note = (line: string) => onError(`${ownName()}: ${line}`);
  const pipeline = createPipeline(options, ownUrl, report, note);

  return async (request: http.IncomingMessage): Promise<GateReply | undefined> => {
    const { method, headers, url = "" } = request;
    const path = url.replace(/\?.*/, "");
    try {
      const reply = await pipeline(request);
      if (!reply) {
        if (options.isFunctionApp) encodeAsForFunctions(headers);
        return undefined;
      }
      const { status, reason } = reply;
      if (reason !== undefined) onError(safeLine(`${ownName()} refused: ${reason} (${status}, ${method} ${path})`));
      return cors ? { ...reply, headers: { ...reply.headers, ...corsHeaders(headers.origin, cors) } } : reply;
    } catch (error) {
      if (error instanceof BadRequest) return { status: error.status };
      report(safeLine(path), error);
      return text(503, "Easy Auth could not ask Microsoft Entra ID.");
    }
  };
}

/** Shortens text to one line without control characters and tokens, since claims and paths come from outside. */
function safeLine(line: string): string {
  return safeText(line.replaceAll(/\p{Cc}/gu, "\u{fffd}"), MAX_LINE);
}

/** Describes an error by names and codes alone, such as Entra's AADSTS number: libraries put tokens into messages. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code, error: oauthError, error_description: text } = error as Partial<Record<string, unknown>> & Error;
  const number = /^AADSTS\d+/.exec(String(text))?.[0];
  return [error.name, code, oauthError, number].filter((part) => typeof part === "string").join(" ");
}
