import type { IncomingMessage, ServerResponse } from "node:http";
import { forward } from "./forwarding.ts";
import { readContentLength } from "./http-conversion.ts";
import { type Invocation, invoke } from "./invocation.ts";
import type { RouteParams } from "./routes.ts";
import { toTriggerMetadata } from "./trigger-metadata.ts";
import type { WorkerServer } from "./worker-server.ts";

interface StreamedInvocation
  extends Pick<Invocation, "id" | "registered" | "triggerName" | "traceContext" | "hooks" | "onLog"> {
  readonly params: RouteParams;
  readonly worker: WorkerServer;
  readonly activityTimeoutMs: number;
}

/**
 * Answers with a function of an app that has HTTP streaming on: forwards the request to the worker's server, which
 * answers, and tells the library of the invocation. Lasts until the answer is through or its connection is gone. Throws
 * `BodyTooLargeError`; Kestrel's limit for chunked bodies is not imitated.
 *
 * As with the real host, a function that throws or returns nothing never answers: its caller waits for the 504.
 */
export async function answerStreamed(
  request: IncomingMessage,
  answer: ServerResponse,
  { params, worker, activityTimeoutMs, ...invocation }: StreamedInvocation,
): Promise<void> {
  readContentLength(request);
  if (answer.destroyed) return;
  const { id } = invocation;
  const forwarded = forward(request, answer, { port: worker.port, invocationId: id, activityTimeoutMs });
  const invoked = invoke({
    ...invocation,
    request: {},
    triggerMetadata: toTriggerMetadata(request, params),
    follow: async (run, log) => {
      const ran = run.finally(() => {
        if (worker.isAnswering(id)) log("error", describeWait(activityTimeoutMs));
      });
      // Without a request that has come to the worker, or with a body that nobody takes any more, `ran` would not end.
      await Promise.race([ran, forwarded]);
      const failure = await forwarded;
      if (failure) throw new Error(`Failed to proxy request with ForwarderError: ${failure}`);
      return undefined;
    },
  });
  await Promise.all([forwarded, invoked]);
}

function describeWait(activityTimeoutMs: number): string {
  return (
    `The caller waits in vain, until nothing has moved for ${activityTimeoutMs / 1000} s: with HTTP streaming on, an ` +
    "answer is not ended when its function or its body throws or when the function returns nothing " +
    "(https://github.com/Azure/azure-functions-nodejs-library/issues/324)."
  );
}
