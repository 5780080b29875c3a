// @ts-check
import { runHook } from "./azure-cli.mjs";
import { rememberRegistrations } from "./registrations.mjs";

/** Before resources are deleted: notes whose registrations these are. Those that an administrator made are not ours to delete. */
await runHook(async () => {
  const { API_CLIENT_ID, CREATE_ENTRA_APPS, FRONTEND_CLIENT_ID } = process.env;
  if (CREATE_ENTRA_APPS === "false") return;
  await rememberRegistrations([API_CLIENT_ID, FRONTEND_CLIENT_ID].flatMap((id) => (id ? [id] : [])));
});
