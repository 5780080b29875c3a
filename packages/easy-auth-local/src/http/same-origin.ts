import { LOOPBACK_NAMES } from "./loopback-server.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "./router.ts";

/**
 * Makes a route that the emulators have and Microsoft has not. It answers every program on this machine, without a
 * secret, but no web page of another origin, which the browser names.
 */
export function sameOriginOnly(handle: RouteHandler): RouteHandler {
  return (request) => {
    const { url, headers } = request;
    // Under Microsoft's name, only Microsoft's routes are there.
    if (!LOOPBACK_NAMES.has(url.hostname)) return json(404, { error: "not_found" });
    const { origin, "sec-fetch-site": site = "none" } = headers;
    const isForeign = origin === undefined ? site !== "none" && site !== "same-origin" : origin !== url.origin;
    return isForeign ? refusal(403, "Pages of other origins may not use this route.") : handle(request);
  };
}

/** Lets a body through only as JSON, which no page of another origin can send without being asked. Parses it. */
export function withJson(handle: (value: unknown) => Reply): RouteHandler {
  return ({ headers, body }: RoutedRequest) => {
    if (!/^application\/json *(;|$)/i.test(headers["content-type"] ?? "")) {
      return refusal(415, "Send the body with content-type: application/json.");
    }
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return refusal(400, "The body is not JSON.");
    }
    return handle(value);
  };
}

/** Makes the answer that says why one of these routes refused. */
export function refusal(status: number, detail: string): Reply {
  return json(status, { status, detail });
}
