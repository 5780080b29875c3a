import { randomUUID } from "node:crypto";
import { subscribe } from "node:diagnostics_channel";
import type http from "node:http";
import { createRequire } from "node:module";
import {
  collectRegistration,
  type RegisteredFunction,
} from "../packages/easy-auth-local/src/functions-host/core-api.ts";
import type {
  CoreInvocationContext,
  RpcHttpResponse,
} from "../packages/easy-auth-local/src/functions-host/core-types.ts";
import { toRpcRequest, writeRpcResponse } from "../packages/easy-auth-local/src/functions-host/http-conversion.ts";
import { toTriggerMetadata } from "../packages/easy-auth-local/src/functions-host/trigger-metadata.ts";
import {
  INVOCATION_ID_HEADER,
  openWorkerServers,
} from "../packages/easy-auth-local/src/functions-host/worker-server.ts";

export interface LoadedFunction {
  /** Answers one request as the worker would: the library's HttpRequest in, its response out. No routing, no hooks, no log. */
  answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void>;
  /** What the bundle exports besides. */
  readonly exported: unknown;
}

type Sent = Pick<CoreInvocationContext["request"], "inputData" | "triggerMetadata">;

const TRACE_CONTEXT = { traceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", traceState: "" };
const log = () => {};

/** Loads a built Functions app and returns one of its functions. */
export async function loadFunction(bundle: string, name: string): Promise<LoadedFunction> {
  let exported: unknown;
  const { functions } = await collectRegistration(log, async () => {
    exported = createRequire(bundle)(bundle);
  });
  const registered = functions.get(name);
  if (!registered) throw new Error(`${bundle} registers no function ${name}.`);
  const trigger = triggerOf(registered);

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const data = { http: await toRpcRequest(request, {}) };
    const answered = await invoke(registered as RegisteredFunction, randomUUID(), {
      inputData: [{ name: trigger, data }],
    });
    if (!answered) throw new Error("The function gave no HTTP response.");
    writeRpcResponse(response, answered);
  }

  return { answer, exported };
}

/**
 * Registers one function of an app that has HTTP streaming on, and resolves to the port of the library's own server. A request
 * there, which has to bring an invocation id, is answered by that function; the host, which would forward it, is left out.
 */
export async function serveStreamed(register: () => void): Promise<number> {
  const registration = await collectRegistration(log, async () => register());
  const [registered] = registration.functions.values();
  if (!registered) throw new Error("No function was registered.");
  const worker = (await openWorkerServers(registration)).get(registered.model);
  if (!worker) throw new Error("HTTP streaming is off.");
  const inputData = [{ name: triggerOf(registered), data: { http: {} } }];
  subscribe("http.server.request.start", (message) => {
    const { request, response } = message as { request: http.IncomingMessage; response: http.ServerResponse };
    const sent = { inputData, triggerMetadata: toTriggerMetadata(request, {}) };
    invoke(registered, String(request.headers[INVOCATION_ID_HEADER]), sent).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
  return worker.port;
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
