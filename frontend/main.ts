import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { SettingsError } from "../src/settings/settings-error.ts";
import { createFrontend } from "./server.ts";
import { readSettings } from "./settings.ts";

/** Milliseconds requests under way may take to finish. App Service kills the process 5 seconds after SIGTERM. */
const STOP_WITHIN_MS = 4000;

try {
  await run();
} catch (error) {
  console.error(error instanceof SettingsError ? error.message : error);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const { backendUrl, port } = readSettings();
  const server = createFrontend({ backendUrl, pageFolder: join(import.meta.dirname, "page") });
  server.listen(port);
  await once(server, "listening");
  console.log(`Frontend listens on port ${(server.address() as AddressInfo).port}, the API is ${backendUrl}`);

  const stop = (): void => {
    server.close();
    setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS).unref();
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
}
