import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import pLimit from "p-limit";
import type { HttpOptions } from "./app-loader.ts";
import type { RegisteredFunction, Registration } from "./core-api.ts";
import type { HostLog } from "./host-log.ts";
import { BodyTooLargeError, toRpcRequest, toTraceContext, writeRpcResponse } from "./http-conversion.ts";
import { invoke } from "./invocation.ts";
import { createRouter, type HostedFunction, type RouteMatch } from "./routes.ts";
import { answerStreamed } from "./streamed-answer.ts";
import type { WorkerServers } from "./worker-server.ts";

/** A registered function with an HTTP trigger. */
export interface HttpFunction extends HostedFunction {
  readonly triggerName: string;
  readonly registered: RegisteredFunction;
}

export interface Serving {
  readonly hooks: Registration["hooks"];
  readonly workerServers: WorkerServers;
  readonly activityTimeoutMs: number;
  readonly onLog: (log: HostLog) => void;
}

const HOME_PAGE = "The Functions host is running and has loaded your app.\n";

/**
 * Answers with the functions. As many run at a time as host.json says, others wait, and what would wait beyond is
 * answered 429. `running` holds each answer under way, with a promise of its end; those promises do not reject.
 */
export function createAnswerer(functions: readonly HttpFunction[], http: HttpOptions, serving: Serving) {
  const findRoute = createRouter(functions);
  const running = new Map<ServerResponse, Promise<void>>();
  const limit = pLimit(http.maxConcurrentRequests);

  function answer(request: IncomingMessage, answer: ServerResponse): void {
    for (const [name, value] of Object.entries(http.customHeaders)) answer.setHeader(name, value);
    const path = request.url?.split("?", 1)[0] ?? "/";
    const match = findRoute(request.method ?? "GET", path);
    if (match && running.size >= http.maxOutstandingRequests) {
      endEmpty(answer, 429);
    } else if (match) {
      const answered = limit(() => answerFrom(match, serving, request, answer));
      running.set(
        answer,
        answered.finally(() => running.delete(answer)),
      );
    } else if (path === "/") {
      answer.setHeader("content-type", "text/plain").end(HOME_PAGE);
    } else {
      endEmpty(answer, 404);
    }
  }

  return { answer, running };
}

async function answerFrom(
  { hosted: { registered, triggerName }, params }: RouteMatch<HttpFunction>,
  { hooks, workerServers, activityTimeoutMs, onLog }: Serving,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  try {
    const common = { id: randomUUID(), registered, triggerName, traceContext: toTraceContext(request), hooks, onLog };
    const worker = workerServers.get(registered.model);
    if (worker) {
      await answerStreamed(request, answer, { ...common, params, worker, activityTimeoutMs });
    } else {
      writeRpcResponse(answer, await invoke({ ...common, request: await toRpcRequest(request, params) }));
    }
  } catch (error) {
    if (error instanceof BodyTooLargeError) {
      answer.shouldKeepAlive = false; // the body is still on its way
      endEmpty(answer, 413);
    } else if (!request.socket.destroyed) {
      const message = `The answer could not be sent: ${error instanceof Error ? error.stack : error}`;
      onLog({ level: "error", category: "System", functionName: registered.metadata.name, message });
      for (const name of answer.getHeaderNames()) answer.removeHeader(name);
      endEmpty(answer, 500);
    }
  }
}

function endEmpty(answer: ServerResponse, status: number): void {
  answer.statusCode = status;
  answer.end();
}
