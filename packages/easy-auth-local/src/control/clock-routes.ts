import type http from "node:http";
import type { Clock } from "../clock/clock.ts";
import { json, type Reply, type RouteHandler } from "../http/router.ts";
import { refusal, sameOriginOnly, withJson } from "../http/same-origin.ts";

/** Makes the routes that tell the stack's clock, put it forward, and let other processes follow it. */
export function clockRoutes(clock: Clock): Readonly<Record<string, RouteHandler>> {
  const show = () => json(200, { now: new Date(clock.now()).toISOString(), advancedSeconds: clock.advancedSeconds });
  return {
    "GET /emulator/clock": sameOriginOnly(show),
    "GET /emulator/clock/advances": sameOriginOnly(() => ({
      status: 200,
      send: (response) => tellAdvances(clock, response),
    })),
    "POST /emulator/clock": sameOriginOnly(
      withJson((value) => {
        const { advanceSeconds } = { ...(value as { readonly advanceSeconds?: unknown } | null) };
        return advance(clock, advanceSeconds) ?? show();
      }),
    ),
  };
}

/** Sends a line with the seconds, and another after each advance, until the client disconnects. */
function tellAdvances(clock: Clock, response: http.ServerResponse): void {
  const tell = (seconds: number) => void response.write(`${seconds}\n`);
  response.writeHead(200, { "content-type": "text/plain", "cache-control": "no-store" });
  tell(clock.advancedSeconds);
  response.once("close", clock.onAdvance(tell));
}

function advance(clock: Clock, seconds: unknown): Reply | undefined {
  try {
    clock.advance(typeof seconds === "number" ? seconds : Number.NaN);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return refusal(400, `advanceSeconds: ${error.message}`);
    throw error;
  }
}
