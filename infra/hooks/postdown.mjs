// @ts-check
import { setTimeout } from "node:timers/promises";
import { az, graphOrigin, HookError, runHook, tryAz } from "./azure-cli.mjs";
import { rememberedRegistrations, rememberRegistrations } from "./registrations.mjs";

const TRIES = 6;
const PAUSE_MS = Number(process.env.PURGE_PAUSE_SECONDS || 5) * 1000;

/**
 * Deletes the registrations for good, after their resources. A registration that is not purged keeps its key for 30 days,
 * and the next deployment of the same name would fail.
 */
await runHook(async (say) => {
  const registrations = await rememberedRegistrations();
  for (const [index, { clientId, objects }] of registrations.entries()) {
    if (tryAz("ad", "app", "show", "--id", clientId, "--query", "id")) az("ad", "app", "delete", "--id", clientId);
    for (const id of objects) await purge(id);
    await rememberRegistrations(registrations.slice(index + 1));
    say(`Deleted the registration ${clientId} for good.`);
  }
});

/**
 * Purges a deleted object; retries, since a deletion takes seconds to reach the list of deleted objects.
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
        const reason = error instanceof Error ? error.message : error;
        throw new HookError(`${reason}\nPurge it by hand: az rest --method delete --url ${url}`);
      }
      await setTimeout(PAUSE_MS);
    }
  }
}
