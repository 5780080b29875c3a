import http from "node:http";
import type net from "node:net";
import { type LoopbackServer, listenOnLoopback } from "../loopback-server.ts";
import { BadRequest, type Reply, write } from "../router.ts";
import type { AppSettings, AuthSettings } from "./auth-settings.ts";
import { type CorsSettings, corsHeaders } from "./cors.ts";
import { text } from "./pages.ts";
import { createPipeline } from "./pipeline.ts";
import type { Switches } from "./switches.ts";
import { createUpstream, writeToSocket } from "./upstream.ts";

export interface GateOptions {
  readonly settings: AuthSettings;
  /** The app behind the gate, on this machine. */
  readonly upstream: string;
  /** The app's settings that Easy Auth reads: the client secret, where users sign in; allowed tenants. */
  readonly appSettings?: AppSettings;
  /** The platform's CORS; default none, then preflights reach the app if they pass the gate. */
  readonly cors?: CorsSettings;
  /** What is not known of Easy Auth, otherwise than by default. */
  readonly switches?: Partial<Switches>;
  /**
   * Where browsers reach the authority when that is not its own origin: the emulator. Sign-ins lead there, and so do the
   * addresses at Entra in the app's problem+json.
   */
  readonly browserOrigin?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** How long the app may take until it answers, and between two parts of an answer; default 230,000. */
  readonly upstreamTimeoutMs?: number;
  /** Told of failures whose answer says little; never of a token. Default: standard error. */
  readonly onError?: (line: string) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

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
