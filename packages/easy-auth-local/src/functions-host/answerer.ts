import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import pLimit from "p-limit";
import { builtInAnswer } from "./built-in-routes.ts";
import type { RegisteredApp, RegisteredFunction } from "./core-api.ts";
import type { HostOptions } from "./host-json.ts";
import type { HostLog } from "./host-log.ts";
import { BodyTooLargeError, toRpcRequest, toTraceContext } from "./http-conversion.ts";
import { invoke } from "./invocation.ts";
import { endEmpty, isContinueAsked, refusalOf, refuse } from "./kestrel.ts";
import { type RequestTarget, readTarget } from "./request-target.ts";
import { createRouter, type HostedFunction, type RouteMatch } from "./routes.ts";
import { sendRpcAnswer } from "./rpc-answer.ts";
import { answerStreamed } from "./streamed-answer.ts";
import type { WorkerServers } from "./worker-server.ts";

/** Registered function with an HTTP trigger. */
export interface HttpFunction extends HostedFunction {
  /** Route without the prefix of host.json. */
  readonly ownRoute: string;
  readonly triggerName: string;
  readonly registered: RegisteredFunction;
}

export interface Serving {
  readonly hooks: RegisteredApp["hooks"];
  readonly workerServers: WorkerServers;
  readonly activityTimeoutMs: number;
  readonly functionTimeoutMs: number;
  readonly onLog: (log: HostLog) => void;
}

/** Request for a function, and its answer. */
interface Call {
  readonly request: IncomingMessage;
  readonly answer: ServerResponse;
  readonly target: RequestTarget;
  readonly match: RouteMatch<HttpFunction>;
}

/**
 * Answers with the functions. As many run at a time as host.json says, others wait, and the rest is answered 429.
 * `running` holds the answers that are not complete, each with a promise of its end, which does not reject.
 */
export function createAnswerer(functions: readonly HttpFunction[], options: HostOptions, serving: Serving) {
  const findRoute = createRouter(functions);
  const running = new Map<ServerResponse, Promise<void>>();
  const calls = new Map<Socket, Call>();
  const limit = pLimit(options.maxConcurrentRequests);

  function answer(request: IncomingMessage, answer: ServerResponse): void {
    const refusal = refusalOf(request);
    const target = readTarget(request.url ?? "", request.headers.host);
    if (refusal === undefined && target) take(request, answer, target);
    else refuse(request, answer, refusal ?? 400);
  }

  function take(request: IncomingMessage, answer: ServerResponse, target: RequestTarget): void {
    const match = findRoute(request.method ?? "GET", target.path);
    if (match && running.size >= options.maxOutstandingRequests) {
      answer.setHeader("x-function-scaleout", "1");
      endEmpty(answer, 429);
      return;
    }
    for (const [name, value] of Object.entries(options.customHeaders)) answer.setHeader(name, value);
    // Without a Host there is no address of the request to hand to a function.
    if (match && !request.headers.host) endEmpty(answer, 500);
    else if (match) start({ request, answer, target, match });
    else builtInAnswer(request, answer, target.path);
  }

  function start(call: Call): void {
    const { request, answer } = call;
    calls.set(request.socket, call);
    if (isContinueAsked(request)) answer.writeContinue();
    const answered = limit(() => answerCall(call, serving)).finally(() => {
      running.delete(answer);
      calls.delete(request.socket);
    });
    running.set(answer, answered);
  }

  return { answer, running, breakOff: (socket: Socket) => breakOff(calls.get(socket), serving) };
}

/**
 * Handles a connection that breaks while a function works for it: a streamed body, which cannot be handed on, is a 500;
 * any other answer is sent, and the connection then closed. Returns false when no function works for it.
 */
function breakOff(call: Call | undefined, { workerServers }: Serving): boolean {
  if (!call || (!call.request.complete && call.request.headers["content-length"] !== undefined)) return false;
  call.answer.once("finish", () => call.request.socket.end());
  const isStreamed = workerServers.has(call.match.hosted.registered.model);
  if (isStreamed && !call.request.complete && !call.answer.headersSent) endEmpty(call.answer, 500);
  return true;
}

async function answerCall(call: Call, serving: Serving): Promise<void> {
  const { request, answer, match } = call;
  const { functionTimeoutMs, onLog } = serving;
  const timeout = new AbortController();
  const timer = Number.isFinite(functionTimeoutMs) ? setTimeout(() => timeout.abort(), functionTimeoutMs) : undefined;
  try {
    await run(call, serving, timeout.signal);
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      answer.shouldKeepAlive = false; // the body is still on its way
      endEmpty(answer, 500);
    } else if (!request.socket.destroyed) {
      const message = `The answer could not be sent: ${error instanceof Error ? error.stack : error}`;
      onLog({ level: "error", category: "System", functionName: match.hosted.name, message });
      endEmpty(answer, 500);
    }
  } finally {
    clearTimeout(timer);
  }
}

async function run({ request, answer, target, match }: Call, serving: Serving, signal: AbortSignal): Promise<void> {
  const { registered, triggerName } = match.hosted;
  const { hooks, workerServers, activityTimeoutMs, onLog } = serving;
  const traceContext = toTraceContext(request);
  const common = { id: randomUUID(), registered, triggerName, traceContext, hooks, onLog, signal };
  const worker = workerServers.get(registered.model);
  if (worker) {
    await answerStreamed(request, answer, { ...common, target, params: match.params, worker, activityTimeoutMs });
  } else {
    const rpcRequest = await toRpcRequest(request, target, match.params);
    sendRpcAnswer(answer, request.method === "HEAD", await invoke({ ...common, request: rpcRequest }));
  }
}
