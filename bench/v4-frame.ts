import { randomUUID } from "node:crypto";
import type http from "node:http";
import { createRequire } from "node:module";
import type { CoreInvocationContext, RpcHttpResponse } from "easy-auth-local/parts";
import {
  collectRegistered,
  type RegisteredFunction,
  type RequestTarget,
  readTarget,
  sendRpcAnswer,
  toRpcRequest,
} from "easy-auth-local/parts";

/** A request as the host hands it to the worker. */
export type RpcRequest = Awaited<ReturnType<typeof toRpcRequest>>;

export interface LoadedFunction {
  /** Calls the function with the library's HttpRequest and returns the library's response: a request without sockets. */
  call(request: RpcRequest): Promise<RpcHttpResponse>;
  /** Answers one HTTP request as the worker would, without routing, hooks or log. */
  answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void>;
  /** Other exports of the bundle. */
  readonly exported: unknown;
}

type Sent = Pick<CoreInvocationContext["request"], "inputData" | "triggerMetadata">;

const TRACE_CONTEXT = { traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", traceState: "" };
const log = () => {};

/** Loads a built Functions app and returns one of its functions. */
export async function loadFunction(bundle: string, name: string): Promise<LoadedFunction> {
  let exported: unknown;
  const { functions } = await collectRegistered(log, async () => {
    exported = createRequire(bundle)(bundle);
  });
  const registered = functions.get(name);
  if (!registered) throw new Error(`${bundle} registers no function ${name}.`);
  const trigger = triggerOf(registered);

  async function call(request: RpcRequest): Promise<RpcHttpResponse> {
    const inputData = [{ name: trigger, data: { http: request } }];
    const answered = await invoke(registered as RegisteredFunction, randomUUID(), { inputData });
    if (!answered) throw new Error("The function gave no HTTP response.");
    return answered;
  }

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const answered = await call(await toRpcRequest(request, targetOf(request), {}));
    sendRpcAnswer(response, request.method === "HEAD", answered);
  }

  return { call, answer, exported };
}

function targetOf({ url = "", headers }: http.IncomingMessage): RequestTarget {
  return readTarget(url, headers.host) ?? { path: "/", query: "" };
}

function triggerOf({ metadata }: RegisteredFunction): string {
  return Object.entries(metadata.bindings).find(([, { type }]) => type === "httpTrigger")?.[0] ?? "";
}

async function invoke(
  { metadata, handler, model }: RegisteredFunction,
  invocationId: string,
  sent: Sent,
): Promise<RpcHttpResponse | undefined> {
  const core: CoreInvocationContext = {
    invocationId,
    metadata,
    request: { invocationId, traceContext: TRACE_CONTEXT, ...sent },
    state: "invocation",
    log,
  };
  const invocation = model.getInvocationModel(core);
  const { context, inputs } = await invocation.getArguments();
  const result = await invocation.invokeFunction(context, inputs, handler);
  return (await invocation.getResponse(context, result)).returnValue?.http;
}
