import http from "node:http";
import type net from "node:net";
import { type LoopbackServer, listenOnLoopback } from "../http/loopback-server.ts";
import { BadRequest, type Reply, write } from "../http/router.ts";
import { corsHeaders } from "./cors.ts";
import type { GateOptions } from "./gate-options.ts";
import { text } from "./pages.ts";
import { createPipeline } from "./pipeline.ts";
import { createUpstream, writeToSocket } from "./upstream.ts";

export type { GateOptions } from "./gate-options.ts";

/** Bytes of a request's headers, all together; more is answered 431. https://azureossd.github.io/2022/06/08/Increasing-Request-Header-sizes-on-Linux-App-Services/ */
const MAX_HEADER_SIZE = 65_536;

/** Starts Easy Auth in front of one app: the same headers, routes and refusals, on loopback. */
export async function startGate(options: GateOptions): Promise<LoopbackServer> {
  const { upstream: url, cors, browserOrigin, upstreamTimeoutMs, onError = console.error } = options;
  let ownUrl = "";
  const report = (step: string, error: unknown) =>
    onError(`Easy Auth at ${ownUrl}: ${step} failed: ${describe(error)}`);
  const pipeline = createPipeline(options, () => ownUrl, report);
  const upstream = createUpstream({
    url,
    cors,
    browserOrigin,
    ...(upstreamTimeoutMs !== undefined && { timeoutMs: upstreamTimeoutMs }),
  });

  /** Resolves to undefined when the request goes on to the app, its headers set. */
  async function answer(request: http.IncomingMessage): Promise<Reply | undefined> {
    const { origin } = request.headers;
    try {
      const reply = await pipeline(request);
      return reply && cors ? { ...reply, headers: { ...reply.headers, ...corsHeaders(origin, cors) } } : reply;
    } catch (error) {
      if (error instanceof BadRequest) return { status: error.status };
      report(request.url?.replace(/\?.*/, "") ?? "a request", error);
      return text(503, "Easy Auth could not ask Microsoft Entra ID.");
    }
  }

  const server = http.createServer({ maxHeaderSize: MAX_HEADER_SIZE }, async (request, response) => {
    const reply = await answer(request);
    if (reply) write(response, reply);
    else upstream.forward(request, response);
  });
  server.on("upgrade", async (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
    const reply = isWebSocket ? await answer(request) : text(400, "Of upgrades, only WebSocket is known here.");
    if (reply) writeToSocket(socket, reply);
    else upstream.upgrade(request, socket, head);
  });
  options.onServer?.(server);
  const listening = await listenOnLoopback(server, options.port ?? 0);
  ownUrl = listening.url;
  return listening;
}

/** Names and codes only: the messages and properties of libraries hold tokens. Of Entra's text, its AADSTS number. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const { code, error: oauthError, error_description: text } = error as Partial<Record<string, unknown>> & Error;
  const number = /^AADSTS\d+/.exec(String(text))?.[0];
  return [error.name, code, oauthError, number].filter((part) => typeof part === "string").join(" ");
}
