// @ts-check
import { az, runHook, tryAz } from "./azure-cli.mjs";
import { rememberedRegistrations, rememberRegistrations } from "./registrations.mjs";

/** Before resources are deleted: notes whose registrations these are. Those that an administrator made are not ours to delete. */
await runHook(async () => {
  const { API_CLIENT_ID, CREATE_ENTRA_APPS, FRONTEND_CLIENT_ID } = process.env;
  if (CREATE_ENTRA_APPS === "false") return;
  const clientIds = [API_CLIENT_ID, FRONTEND_CLIENT_ID].flatMap((id) => (id ? [id] : []));
  if (clientIds.length === 0) return;
  // Without a sign-in nothing would be found, and the registrations would stay for good.
  az("account", "show");
  // What an earlier azd down could not purge is not found any more, but still to be purged.
  const known = new Map((await rememberedRegistrations()).map((one) => [one.clientId, one]));
  for (const found of clientIds.map(find)) if (found.objects.length > 0) known.set(found.clientId, found);
  await rememberRegistrations([...known.values()]);
});

/** @param {string} clientId */
function find(clientId) {
  const kinds = ["app", "sp"];
  const objects = kinds.map((kind) => tryAz("ad", kind, "show", "--id", clientId, "--query", "id"));
  return { clientId, objects: objects.filter((id) => typeof id === "string") };
}
