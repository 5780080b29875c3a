import type { FaultRule } from "../faults/fault.ts";
import { FaultRuleError, type Faults } from "../faults/faults.ts";
import { json, type Reply, type RouteHandler } from "../http/router.ts";
import { refusal, sameOriginOnly, withJson } from "../http/same-origin.ts";

/** Makes the routes that list, add and clear faults. */
export function faultRoutes(faults: Faults): Readonly<Record<string, RouteHandler>> {
  return {
    "GET /emulator/faults": sameOriginOnly(() => json(200, faults.rules)),
    "POST /emulator/faults": sameOriginOnly(withJson((rule) => addFault(rule, faults))),
    "DELETE /emulator/faults": sameOriginOnly(() => {
      faults.clear();
      return { status: 204 };
    }),
  };
}

function addFault(rule: unknown, faults: Faults): Reply {
  try {
    // `add` checks it.
    faults.add(rule as FaultRule);
    return json(201, faults.rules);
  } catch (error) {
    if (error instanceof FaultRuleError) return refusal(400, error.message);
    throw error;
  }
}
