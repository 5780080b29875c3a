import { applySettings, loadApp } from "easy-auth-local/parts";
import { ENVIRONMENT } from "./exchange.ts";

const WITH_FILES = {
  ...ENVIRONMENT,
  STORAGE_ACCOUNT_URL: "https://contoso.blob.core.windows.net",
  STORAGE_CONTAINER: "documents",
};

/** Loads the functions of a built app, including the files routes. Restores the environment. */
export async function loadFunctions(root: string) {
  const restore = applySettings(WITH_FILES);
  const { functions } = await loadApp(root, () => {}).finally(restore);
  return functions;
}
