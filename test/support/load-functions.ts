import { loadApp } from "easy-auth-local/parts";
import { ENVIRONMENT } from "./exchange.ts";

const WITH_FILES = {
  ...ENVIRONMENT,
  STORAGE_ACCOUNT_URL: "https://contoso.blob.core.windows.net",
  STORAGE_CONTAINER: "documents",
};

/** Loads the functions of a built app, the routes of files among them. The environment is as before when it resolves. */
export async function loadFunctions(root: string) {
  const before = Object.keys(WITH_FILES).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, WITH_FILES);
  try {
    return (await loadApp(root, () => {})).functions;
  } finally {
    // One by one: files share the process, and Vitest holds on to this very object.
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
