import { followClock } from "../clock/follow-clock.ts";
import { refuseInAzure } from "../stack/refuse-in-azure.ts";
import { routeMicrosoftOrigins } from "./microsoft-origins.ts";
import { keepFromProxies } from "./proxies.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Module for `NODE_OPTIONS=--import`: sends a process's requests for Entra, Graph and other APIs to a running stack and
 * follows its clock, so that an app runs against it unchanged, under `func start` too. Does nothing without the
 * variables.
 */
refuseInAzure();
const { EMULATED_ENTRA_URL: entra, EMULATED_GRAPH_URL: graph, EMULATED_SERVICES = "" } = process.env;
if (entra !== undefined && graph !== undefined) {
  const pairs = EMULATED_SERVICES.split(" ").filter((pair) => pair !== "");
  const services = Object.fromEntries(pairs.map((pair) => pair.split("=") as [string, string]));
  for (const url of [entra, graph, ...Object.values(services)]) {
    if (!LOOPBACK.has(new URL(url).hostname)) throw new Error(`${url} is not an emulator on this machine.`);
  }
  keepFromProxies();
  routeMicrosoftOrigins({ entra, graph, services });
  await followClock(entra);
}
