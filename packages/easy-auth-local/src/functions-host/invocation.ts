import { once } from "node:events";
import type { RegisteredApp, RegisteredFunction } from "./core-api.ts";
import type {
  CoreInvocationContext,
  HookCallback,
  LogHandler,
  RpcHttpRequest,
  RpcHttpResponse,
  RpcTraceContext,
  RpcTypedData,
} from "./core-types.ts";
import type { HostLog } from "./host-log.ts";

/** Thrown by `Invocation.follow` when the client has disconnected, which is no failure. */
export class ClientLeft extends Error {}

export interface Invocation {
  readonly id: string;
  readonly registered: RegisteredFunction;
  /** Name of the binding that takes the request. */
  readonly triggerName: string;
  readonly request: Partial<RpcHttpRequest>;
  /** Binding data, with HTTP streaming alone: otherwise the library reads none of it (fromRpcTriggerMetadata.ts). */
  readonly triggerMetadata?: Record<string, RpcTypedData>;
  readonly traceContext: RpcTraceContext;
  readonly hooks: RegisteredApp["hooks"];
  readonly onLog: (log: HostLog) => void;
  /** Aborted when `functionTimeout` is over. */
  readonly signal: AbortSignal;
  /**
   * Waits for the answer with HTTP streaming, where it does not come from the library. It gets the result of the function
   * and its hooks, and a log for lines about the invocation.
   */
  readonly follow?: (run: Promise<unknown>, log: SystemLog) => Promise<undefined>;
}

type SystemLog = (level: HostLog["level"], message: string) => void;

/**
 * Runs one function and resolves to the answer: what it returned, 204 for nothing, 500 without a body when it or a hook
 * threw, when it returned something that is no HTTP response, or when its time is over. Never rejects. A function whose
 * time is over runs on here; the real host ends the worker.
 * Logs start and end in the words of FunctionInstanceLogger.cs in Azure/azure-webjobs-sdk.
 */
export async function invoke(invocation: Invocation): Promise<RpcHttpResponse> {
  const functionName = invocation.registered.metadata.name;
  const invocationId = invocation.id;
  const traceId = invocation.traceContext.traceParent.slice(3, 35);
  const startedAt = performance.now();
  const log = (level: HostLog["level"], message: string, category: HostLog["category"] = "System") =>
    invocation.onLog({ level, category, functionName, invocationId, traceId, message });
  const logEnd = (level: HostLog["level"], status: string) => {
    const durationMs = Math.round(performance.now() - startedAt);
    log(level, `Executed 'Functions.${functionName}' (${status}, Id=${invocationId}, Duration=${durationMs}ms)`);
  };

  const reason = "This function was programmatically called via the host APIs.";
  log("information", `Executing 'Functions.${functionName}' (Reason='${reason}', Id=${invocationId})`);
  try {
    const run = runWithHooks(invocation, (level, category, message) =>
      log(level, message, category === "user" ? "User" : "System"),
    );
    const answered = invocation.follow?.(run, log) ?? run;
    const response = await Promise.race([answered, expiry(invocation.signal, functionName)]);
    logEnd("information", "Succeeded");
    return response ?? emptyResponse(204);
  } catch (error) {
    if (error instanceof ClientLeft) {
      logEnd("information", "Canceled: the client left");
      return emptyResponse(500);
    }
    logEnd("error", "Failed");
    const { message, stack } = error instanceof Error ? error : { message: String(error), stack: "" };
    const result = `Result: Failure\nException: ${message}\nStack: ${stack}`;
    log("error", `Exception while executing function: Functions.${functionName}. ${result}`);
    return emptyResponse(500);
  }
}

/** Rejects, in the host's words, when the signal is aborted. */
async function expiry(signal: AbortSignal, functionName: string): Promise<never> {
  if (!signal.aborted) await once(signal, "abort");
  throw new Error(
    `Timeout value was exceeded by function: Functions.${functionName}. In Azure, the host then ends the worker with ` +
      "all that runs in it; here the function runs on. functionTimeout in host.json sets the time.",
  );
}

/**
 * Runs hooks and function in the order of
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/eventHandlers/InvocationHandler.ts
 */
async function runWithHooks(
  { id: invocationId, registered, triggerName, request, triggerMetadata, traceContext, hooks }: Invocation,
  log: LogHandler,
): Promise<RpcHttpResponse | undefined> {
  const { metadata, handler, model } = registered;
  const shared: { hookData: object; invocationContext?: unknown } = { hookData: {} };
  const core: CoreInvocationContext = {
    invocationId,
    metadata,
    request: {
      invocationId,
      traceContext,
      triggerMetadata,
      inputData: [{ name: triggerName, data: { http: request } }],
    },
    state: undefined,
    log: (...line) => log(...applyLogHooks(hooks.log, line, shared)),
  };
  const invocationModel = model.getInvocationModel(core);
  const { context, inputs } = await invocationModel.getArguments();
  shared.invocationContext = context;

  const before = { ...shared, inputs, functionCallback: handler };
  core.state = "preInvocationHooks";
  await runHooks(hooks.preInvocation, before);

  const after: { inputs: unknown[]; result: unknown; error: unknown } = {
    ...shared,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  core.state = "invocation";
  try {
    after.result = await invocationModel.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error;
  }
  core.state = "postInvocationHooks";
  await runHooks(hooks.postInvocation, after);
  core.state = undefined;

  if (after.error !== null && after.error !== undefined) throw after.error;
  return (await invocationModel.getResponse(context, after.result)).returnValue?.http;
}

/** Runs the hooks one after the other; the first that throws is the last. */
export async function runHooks(callbacks: readonly HookCallback[], context: object): Promise<void> {
  for (const callback of callbacks) await callback(context);
}

/** Lets log hooks change a function's own lines, and those only. A hook that throws changes nothing. */
function applyLogHooks(
  callbacks: readonly HookCallback[],
  line: Parameters<LogHandler>,
  shared: object,
): Parameters<LogHandler> {
  const [level, category, message] = line;
  const context = { ...shared, level, category, message };
  try {
    for (const callback of callbacks) callback(context);
  } catch {
    return line;
  }
  return category === "user" ? [context.level, category, context.message] : line;
}

function emptyResponse(status: number): RpcHttpResponse {
  return { statusCode: String(status), headers: {}, cookies: [] };
}
