// @ts-check
import { setTimeout } from "node:timers/promises";
import { az, graphOrigin, HookError, runHook, tryAz } from "./azure-cli.mjs";
import { forgetRegistrations, rememberedRegistrations } from "./registrations.mjs";

const TRIES = 6;
const PAUSE_MS = Number(process.env.PURGE_PAUSE_SECONDS || 5) * 1000;

/** After resources are deleted: deletes their registrations for good. A deleted one keeps its key for 30 days, and the next deployment would fail. */
await runHook(async (say) => {
  for (const clientId of await rememberedRegistrations()) await remove(clientId, say);
  await forgetRegistrations();
});

/**
 * @param {string} clientId
 * @param {(line: string) => void} say
 */
async function remove(clientId, say) {
  const application = tryAz("ad", "app", "show", "--id", clientId, "--query", "id");
  const servicePrincipal = tryAz("ad", "sp", "show", "--id", clientId, "--query", "id");
  if (!application) return say(`No registration ${clientId}: nothing to delete.`);
  az("ad", "app", "delete", "--id", clientId);
  for (const id of [application, servicePrincipal]) if (id) await purge(id);
  say(`Deleted the registration ${clientId} for good.`);
}

/**
 * The deletion takes seconds to reach the list of deleted objects.
 *
 * @param {string} id
 */
async function purge(id) {
  const url = `${graphOrigin()}/v1.0/directory/deletedItems/${id}`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return void az("rest", "--method", "delete", "--url", url);
    } catch (error) {
      if (attempt === TRIES) {
        throw new HookError(
          `${error instanceof Error ? error.message : error}\nPurge it by hand: az rest --method delete --url ${url}`,
        );
      }
      await setTimeout(PAUSE_MS);
    }
  }
}
