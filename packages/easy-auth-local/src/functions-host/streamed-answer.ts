import type { IncomingMessage, ServerResponse } from "node:http";
import { forward } from "./forwarding.ts";
import { readContentLength } from "./http-conversion.ts";
import { ClientLeft, type Invocation, invoke } from "./invocation.ts";
import { encodeForwardedTarget, type RequestTarget } from "./request-target.ts";
import type { RouteParams } from "./routes.ts";
import { toTriggerMetadata } from "./trigger-metadata.ts";
import type { WorkerServer } from "./worker-server.ts";

interface StreamedInvocation extends Omit<Invocation, "request" | "triggerMetadata" | "follow"> {
  readonly target: RequestTarget;
  readonly params: RouteParams;
  readonly worker: WorkerServer;
  readonly activityTimeoutMs: number;
}

/**
 * Answers with a function of an app that has HTTP streaming on: forwards the request to the worker's server, which
 * answers, and tells the library of the invocation. Resolves when the answer is complete or its connection is gone.
 * Throws `BodyTooLargeError`; does not imitate Kestrel's limit for chunked bodies.
 *
 * As with the real host, a function that throws or returns nothing never answers: its client waits for the 500. Nor does
 * anybody answer a request that does not reach the worker, before `functionTimeout`.
 */
export async function answerStreamed(
  request: IncomingMessage,
  answer: ServerResponse,
  { target, params, worker, activityTimeoutMs, ...invocation }: StreamedInvocation,
): Promise<void> {
  readContentLength(request);
  if (answer.destroyed) return;
  const { id, signal } = invocation;
  let onUnreached: (reason: string) => void = () => {};
  const unreached = new Promise<string>((resolve) => {
    onUnreached = resolve;
  });
  const path = encodeForwardedTarget(target);
  const forwarding = { path, port: worker.port, invocationId: id, activityTimeoutMs, signal, onUnreached };
  let isOver = false;
  const forwarded = forward(request, answer, forwarding).finally(() => {
    isOver = true;
  });
  const invoked = invoke({
    ...invocation,
    request: {},
    triggerMetadata: toTriggerMetadata(request, target, params),
    follow: async (run, log) => {
      void unreached.then((reason) => log("error", describeUnreached(reason)));
      const ran = run.finally(() => {
        if (!isOver && worker.isAnswering(id)) log("error", describeWait(activityTimeoutMs));
      });
      // `ran` would not end without a request that has come to the worker, or with a body that is no longer read.
      await Promise.race([ran, forwarded]);
      const failure = await forwarded;
      if (failure === "RequestCanceled") throw new ClientLeft();
      if (failure) throw new Error(`Failed to proxy request with ForwarderError: ${failure}`);
      return undefined;
    },
  });
  await Promise.all([forwarded, invoked]);
}

function describeUnreached(reason: string): string {
  return (
    `This request does not reach the function: ${reason}. With HTTP streaming on, nobody answers it before ` +
    "functionTimeout is over. In Azure, the host then ends the worker with all that runs in it, even if the client has left."
  );
}

function describeWait(activityTimeoutMs: number): string {
  return (
    `The client waits in vain, until nothing has moved for ${activityTimeoutMs / 1000} s: with HTTP streaming on, an ` +
    "answer is not ended when its function or its body throws or when the function returns nothing " +
    "(https://github.com/Azure/azure-functions-nodejs-library/issues/324)."
  );
}
