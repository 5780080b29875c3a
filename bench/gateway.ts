import http from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { listenOnLoopback, routeMicrosoftOrigins } from "easy-auth-local/parts";
import { profileByFetch, profileOf } from "./apps/graph-with-token.ts";
import { loadFunction } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

/** A message to a gateway: one start, then questions for its processor time, its memory or the delay of its event loop. */
export type GatewayMessage =
  | {
      readonly type: "start";
      readonly fakeUrl: string;
      /** A built Functions app, or plain `node:http` with undici or with `fetch`. */
      readonly app: "plain" | "plain-fetch" | { readonly bundle: string };
      /** Assertions that the app's own `seed` function puts into its cache. */
      readonly seed?: readonly string[];
    }
  | { readonly type: "cpu" | "memory" | "loop-delay" };

/** Microseconds of processor time since the process began, all threads. */
export type CpuTime = number;

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>;
type Start = Extract<GatewayMessage, { type: "start" }>;

/** Serves a peer, with Microsoft's origins routed to the fakes, the same way for every peer. Resolves to the server's URL. */
async function start({ fakeUrl, app, seed }: Start): Promise<string> {
  routeMicrosoftOrigins({ entra: fakeUrl, graph: fakeUrl });
  const answer = await answerOf(app, seed);
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  server.keepAliveTimeout = 0;
  const { url } = await listenOnLoopback(server, 0);
  return url;
}

async function answerOf(app: Start["app"], seed: Start["seed"]): Promise<Answer> {
  if (app === "plain") return plain(profileOf);
  if (app === "plain-fetch") return plain(profileByFetch);
  const { answer, exported } = await loadFunction(app.bundle, "profile");
  if (seed) await (exported as { seed(assertions: readonly string[]): Promise<void> }).seed(seed);
  return answer;
}

function plain(profile: (authorization: string) => Promise<unknown>): Answer {
  return async ({ headers }, response) => {
    const body = JSON.stringify(await profile(headers.authorization ?? ""));
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  };
}

function cpuTime(): CpuTime {
  const { user, system } = process.cpuUsage();
  return user + system;
}

const loopDelay = monitorEventLoopDelay({ resolution: 1 });

/** Returns the 99th percentile of the event loop's delay since the last call, in milliseconds. */
function takeLoopDelay(): number {
  const delay = loopDelay.percentile(99) / 1e6;
  loopDelay.reset();
  loopDelay.enable();
  return delay;
}

answerMessages<GatewayMessage>(async (message) => {
  if (message.type === "start") return start(message);
  if (message.type === "memory") return process.memoryUsage.rss();
  return message.type === "cpu" ? cpuTime() : takeLoopDelay();
});
