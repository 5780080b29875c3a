import http from "node:http";
import { listenOnLoopback, routeMicrosoftOrigins } from "easy-auth-local/parts";
import { profileByFetch, profileOf } from "./apps/graph-with-token.ts";
import { loadFunction } from "./v4-frame.ts";
import { answerMessages } from "./worker.ts";

/** What a gateway is told: to start once, then to say how much processor time it has used so far. */
export type GatewayMessage =
  | {
      readonly type: "start";
      readonly fakeUrl: string;
      /** A built Functions app, or plain `node:http` with undici or fetch. */
      readonly app: "plain" | "plain-fetch" | { readonly bundle: string };
      /** Assertions whose tokens the app's own `seed` puts into its cache. */
      readonly seed?: readonly string[];
    }
  | { readonly type: "cpu" };

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

answerMessages<GatewayMessage>(async (message) => (message.type === "start" ? start(message) : cpuTime()));
