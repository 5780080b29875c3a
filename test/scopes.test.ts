import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { loadApp } from "../packages/easy-auth-local/src/functions-host/app-loader.ts";
import { ENVIRONMENT } from "./support/exchange.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Azure Storage's delegated permission, registered for whom files are on. */
const STORAGE_SCOPE = "https://storage.azure.com/user_impersonation";
const STORAGE_APP_ID = "e406a681-f3d4-42a8-90b6-c2b029497af1";

/** The delegated permissions that the deployment registers for the API and consents to. */
async function registeredScopes(): Promise<readonly string[]> {
  const [list, entra] = await Promise.all(
    ["graph-scopes.json", "entra.bicep"].map((name) => readFile(`${ROOT}infra/${name}`, "utf8")),
  );
  const graphScopes = JSON.parse(list ?? "") as readonly string[];
  expect(entra).toContain(STORAGE_APP_ID);
  return [...graphScopes.map((name) => `https://graph.microsoft.com/${name}`), STORAGE_SCOPE];
}

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
  expect([...new Set(named)].sort()).toEqual([...(await registeredScopes())].sort());
});
