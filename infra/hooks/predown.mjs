// @ts-check
import { az, runHook, tryAz } from "./azure-cli.mjs";
import { rememberedRegistrations, rememberRegistrations } from "./registrations.mjs";

/** Records the registrations to delete with the resources, except those that an administrator made. */
await runHook(async () => {
  const { API_CLIENT_ID, CREATE_ENTRA_APPS, FRONTEND_CLIENT_ID } = process.env;
  if (CREATE_ENTRA_APPS === "false") return;
  const clientIds = [API_CLIENT_ID, FRONTEND_CLIENT_ID].flatMap((id) => (id ? [id] : []));
  if (clientIds.length === 0) return;
  // Without a sign-in this hook would find nothing, and the registrations would stay for good.
  az("account", "show");
  // An earlier azd down may have deleted registrations that it could not purge. They are no longer found, but still to
  // be purged.
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
