import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { RegisteredFunction, Registration } from "./core-api.ts";
import type { HostLog } from "./host-log.ts";
import { BodyTooLargeError, toRpcRequest, toTraceContext, writeRpcResponse } from "./http-conversion.ts";
import { invoke } from "./invocation.ts";
import { createRouter, type HostedFunction, type RouteMatch } from "./routes.ts";

/** A registered function with an HTTP trigger. */
interface HttpFunction extends HostedFunction {
  readonly triggerName: string;
  readonly registered: RegisteredFunction;
}

interface Serving {
  readonly functions: readonly HttpFunction[];
  readonly hooks: Registration["hooks"];
  readonly customHeaders: Readonly<Record<string, string>>;
  readonly onLog: (log: HostLog) => void;
}

/** Bytes, as the real host's server takes: https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.server.kestrel.core.kestrelserverlimits.maxrequestheaderstotalsize */
const MAX_HEADER_SIZE = 32_768;
const HOME_PAGE = "The Functions host is running and has loaded your app.\n";

/** What was registered with an HTTP trigger. Warns of the rest, which nothing here would ever start. */
export function selectHttpFunctions({ functions, log }: Registration, routePrefix: string): HttpFunction[] {
  return [...functions.values()].flatMap((registered) => {
    const { name, bindings } = registered.metadata;
    const [triggerName, trigger] = Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
    if (!triggerName || trigger?.type.toLowerCase() !== "httptrigger") {
      log(
        "warning",
        "system",
        `Function "${name}" is not served: this host has no ${trigger?.type}, only HTTP triggers.`,
      );
      return [];
    }
    const methods = (trigger.methods ?? []).map((method) => method.toUpperCase());
    const route = [routePrefix, trigger.route || name].filter((part) => part !== "").join("/");
    return { name, methods, route, triggerName, registered };
  });
}

/**
 * An HTTP server, not listening yet, that answers with the functions. `running` holds each answer that a function
 * is working on, with a promise of its end; those promises do not reject.
 */
export function createFunctionsServer(serving: Serving, running: Map<ServerResponse, Promise<void>>): Server {
  const findRoute = createRouter(serving.functions);
  return createServer({ maxHeaderSize: MAX_HEADER_SIZE }, (request, answer) => {
    for (const [name, value] of Object.entries(serving.customHeaders)) answer.setHeader(name, value);
    const path = request.url?.split("?", 1)[0] ?? "/";
    const match = findRoute(request.method ?? "GET", path);
    if (match) {
      const answered = answerFrom(match, serving, request, answer);
      running.set(
        answer,
        answered.finally(() => running.delete(answer)),
      );
    } else if (path === "/") {
      answer.setHeader("content-type", "text/plain").end(HOME_PAGE);
    } else {
      endEmpty(answer, 404);
    }
  });
}

async function answerFrom(
  { hosted: { registered, triggerName }, params }: RouteMatch<HttpFunction>,
  { hooks, onLog }: Serving,
  request: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  try {
    const rpcRequest = await toRpcRequest(request, params);
    const traceContext = toTraceContext(request);
    const response = await invoke({ registered, triggerName, request: rpcRequest, traceContext, hooks, onLog });
    writeRpcResponse(answer, response);
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
