import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadApp } from "../emulator/functions-host/app-loader.ts";
import { ENVIRONMENT } from "./support/exchange.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/**
 * The delegated permissions in the API's registration, with consent: `graphScopes` in infra/main.bicep, and Azure Storage's
 * for whom files are on.
 */
const REGISTERED = ["https://graph.microsoft.com/User.Read", "https://storage.azure.com/user_impersonation"];

test("the endpoints together name the scopes of the registration: none is missing there, none is left over", async () => {
  const files = { STORAGE_ACCOUNT_URL: "https://contoso.blob.core.windows.net", STORAGE_CONTAINER: "documents" };
  const before = { ...process.env };
  Object.assign(process.env, ENVIRONMENT, files);
  const { functions } = await loadApp(ROOT, () => {}).finally(() => {
    process.env = before;
  });
  const named = [...functions.values()].flatMap(
    ({ handler }) => (handler as { scopes?: readonly string[] }).scopes ?? [],
  );
  expect([...new Set(named)].sort()).toEqual(REGISTERED);
});
