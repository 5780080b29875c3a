import { fileURLToPath } from "node:url";
import { readConfiguration } from "easy-auth-local";
import { startStack as start, type TestStack, type TestStackOptions } from "easy-auth-local/vitest";
import { inject } from "vitest";
import { createFrontend } from "../../frontend/server.ts";

export type { RecordedRequest, TestStack } from "easy-auth-local/vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Starts the stack with this repository's configuration and the app of the last build; the frontend runs in the test's
 * own process. Adds `registrations` to those of the configuration.
 */
export async function startStack({ registrations, ...options }: TestStackOptions = {}): Promise<TestStack> {
  const configuration = await readConfiguration(`${ROOT}easy-auth-local.json`);
  const servers = { frontend: createFrontendFor, ...options.servers };
  return start({
    stateFolder: inject("stateFolder"),
    ...{ ...configuration, ...options, servers },
    registrations: merged(configuration.registrations, registrations),
  });
}

/** Creates the frontend's server, which forwards to the API's gate. */
export function createFrontendFor({ apiUrl = "" }: Readonly<Record<string, string>>) {
  return createFrontend({ backendUrl: apiUrl, pageFolder: `${ROOT}dist/frontend/page` });
}

type Registrations = NonNullable<TestStackOptions["registrations"]>;

function merged(own: Registrations = {}, more: Registrations = {}): Registrations {
  return { ...own, ...Object.fromEntries(Object.entries(more).map(([name, one]) => [name, { ...own[name], ...one }])) };
}
