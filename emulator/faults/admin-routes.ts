import { json, type Reply, type RoutedRequest, type RouteHandler } from "../router.ts";
import type { FaultRule } from "./fault.ts";
import { FaultRuleError, type Faults } from "./faults.ts";

const LOOPBACK_NAMES = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * The routes by which a developer tells the emulators to fail. No secret guards them: they are for whoever works on this
 * machine. A web page is kept out: its browser names the page's origin, and no page can send JSON without being asked.
 */
export function faultRoutes(faults: Faults): Readonly<Record<string, RouteHandler>> {
  return {
    "GET /emulator/faults": onlyFromHere(() => json(200, faults.rules)),
    "POST /emulator/faults": onlyFromHere((request) => addFault(request, faults)),
    "DELETE /emulator/faults": onlyFromHere(() => {
      faults.clear();
      return { status: 204 };
    }),
  };
}

function onlyFromHere(handle: (request: RoutedRequest) => Reply): RouteHandler {
  return (request) => {
    const { url, headers } = request;
    // Asked by Microsoft's name, the emulator has what Microsoft has.
    if (!LOOPBACK_NAMES.has(url.hostname)) return json(404, { error: "not_found" });
    const { origin, "sec-fetch-site": site = "none" } = headers;
    const isForeign = origin === undefined ? site !== "none" && site !== "same-origin" : origin !== url.origin;
    return isForeign ? refusal(403, "Pages of other origins may not use this route.") : handle(request);
  };
}

function addFault({ headers, body }: RoutedRequest, faults: Faults): Reply {
  if (!/^application\/json *(;|$)/i.test(headers["content-type"] ?? "")) {
    return refusal(415, "Send the fault with content-type: application/json.");
  }
  try {
    // `add` checks it.
    faults.add(JSON.parse(body) as FaultRule);
    return json(201, faults.rules);
  } catch (error) {
    if (error instanceof SyntaxError) return refusal(400, "The body is not JSON.");
    if (error instanceof FaultRuleError) return refusal(400, error.message);
    throw error;
  }
}

function refusal(status: number, detail: string): Reply {
  return json(status, { status, detail });
}
