import type { RpcRequest } from "./v4-frame.ts";

/** Returns a request for the profile in fresh strings, as the worker makes it from the host's message. */
export function requestOf(assertion: string): RpcRequest {
  const headers = { host: "localhost", authorization: `Bearer ${assertion}`, accept: "application/json" };
  const nullableHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, { value: Buffer.from(value).toString("latin1") }]),
  );
  return {
    ...{ url: "http://localhost/api/profile", method: "GET" },
    ...{ nullableHeaders, nullableQuery: {}, nullableParams: {} },
  };
}
