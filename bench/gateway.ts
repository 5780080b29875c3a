import http from "node:http";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { listenOnLoopback, routeMicrosoftOrigins } from "easy-auth-local/parts";
import { profileByFetch, profileOf } from "./apps/graph-with-token.ts";
import { loadFunction } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

/** What a gateway is told: to start once, then to say what it has used so far, or how late its event loop was. */
export type GatewayMessage =
  | {
      readonly type: "start";
      readonly fakeUrl: string;
      /** A built Functions app, or plain `node:http` with undici or fetch. */
      readonly app: "plain" | "plain-fetch" | { readonly bundle: string };
      /** Assertions whose tokens the app's own `seed` puts into its cache. */
      readonly seed?: readonly string[];
    }
  | { readonly type: "cpu" | "memory" | "loop-delay" };

/** Microseconds since the process began, of all its threads. */
export type CpuTime = number;

type Answer = (request: http.IncomingMessage, response: http.ServerResponse) => Promise<void>;
type Start = Extract<GatewayMessage, { type: "start" }>;

/** Every peer runs behind this server, with the same routing of Microsoft's addresses to the fakes. Resolves to its URL. */
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

/** Milliseconds: 99th percentile of the event loop's delay since the last call. */
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
