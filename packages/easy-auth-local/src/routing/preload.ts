import { followClock } from "../clock/follow-clock.ts";
import { refuseInAzure } from "../stack/refuse-in-azure.ts";
import { routeMicrosoftOrigins } from "./microsoft-origins.ts";

/**
 * For `NODE_OPTIONS=--import`: sends a process's requests for Entra and Graph to the emulators of a running stack, so that
 * the built app runs against them unchanged, under `func start` too, and lives by their clock. Does nothing without the two
 * variables.
 */
refuseInAzure();
const { EMULATED_ENTRA_URL: entra, EMULATED_GRAPH_URL: graph } = process.env;
if (entra !== undefined && graph !== undefined) {
  for (const url of [entra, graph]) {
    if (new URL(url).hostname !== "localhost") throw new Error(`${url} is not an emulator on this machine.`);
  }
  routeMicrosoftOrigins({ entra, graph });
  await followClock(entra);
}
