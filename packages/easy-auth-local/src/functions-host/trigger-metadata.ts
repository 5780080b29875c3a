import type { IncomingMessage } from "node:http";
import type { RpcTypedData } from "./core-types.ts";
import { joinHeaders, readQuery } from "./http-conversion.ts";
import type { RequestTarget } from "./request-target.ts";
import type { RouteParams } from "./routes.ts";

/**
 * Returns the binding data of a request, from which the library makes headers and parameters of a streamed one: the last
 * value of each parameter of the query but `code`, the route's values over them, then `Query` and `Headers` where nothing
 * has that name yet, in any letter case. So a client that puts `?headers=` into the query takes all headers from the
 * function, and one who puts JSON into `?Headers=` chooses them.
 *
 * Not done: the top-level values of a JSON body, which the real host puts in before the query's.
 *
 * Source: GetRequestBindingDataAsync in HttpTriggerAttributeBindingProvider.cs, Azure/azure-webjobs-sdk-extensions.
 */
export function toTriggerMetadata(
  request: IncomingMessage,
  target: RequestTarget,
  params: RouteParams,
): Record<string, RpcTypedData> {
  const query = readQuery(target.query);
  const bindingData = new Map<string, [name: string, value: RpcTypedData]>();
  // The key keeps the spelling that it was added with, as in a .NET dictionary that ignores letter case.
  const set = (name: string, value: RpcTypedData) => {
    const key = name.toUpperCase();
    bindingData.set(key, [bindingData.get(key)?.[0] ?? name, value]);
  };
  for (const [name, values] of query) {
    if (name.toUpperCase() !== "CODE") set(name, { string: values.at(-1) ?? "" });
  }
  for (const [name, value] of Object.entries(params)) set(name, { string: value });
  if (!bindingData.has("QUERY")) set("Query", toJson(query.map(([name, values]) => [name, values.join(",")])));
  if (!bindingData.has("HEADERS")) set("Headers", toJson(joinHeaders(request)));
  return Object.fromEntries(bindingData.values());
}

function toJson(entries: Iterable<readonly [string, string]>): RpcTypedData {
  return { json: JSON.stringify(Object.fromEntries(entries)) };
}
