import https from "node:https";

/**
 * Sends `traceparent` along with this process's requests to a host by `node:https`, which clients of the Azure SDK use.
 * Returns a function that undoes it.
 */
export function carryTrace(host: string, traceParent: () => string | undefined): () => void {
  const { request } = https;
  const carrying = (...args: unknown[]) => {
    const sent = Reflect.apply(request, https, args) as ReturnType<typeof request>;
    const parent = sent.getHeader("host") === host ? traceParent() : undefined;
    if (parent !== undefined && !sent.headersSent) sent.setHeader("traceparent", parent);
    return sent;
  };
  https.request = carrying as typeof request;
  return () => {
    if (https.request === carrying) https.request = request;
  };
}
