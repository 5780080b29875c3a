import { loadApp } from "./app-loader.ts";
import type { RegisteredApp } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import { runHooks } from "./invocation.ts";
import { openWorkerServers, type WorkerServers } from "./worker-server.ts";

/** Loaded app whose appStart hooks have run. */
export interface RunningApp {
  readonly registration: RegisteredApp;
  readonly workerServers: WorkerServers;
  /** Runs the appTerminate hooks and closes the worker's servers. Logs a hook that fails. */
  stop(): Promise<void>;
}

/** Loads the app afresh and runs its appStart hooks. */
export async function startApp(appRoot: string, log: LogHandler): Promise<RunningApp> {
  const registration = await loadApp(appRoot, log);
  const workerServers = await openWorkerServers(registration);
  const context = { hookData: {} };
  try {
    await runHooks(registration.hooks.appStart, context);
  } catch (error) {
    await closeAll(workerServers);
    throw error;
  }
  const stop = async () => {
    await terminate(registration, context);
    await closeAll(workerServers);
  };
  return { registration, workerServers, stop };
}

async function closeAll(workerServers: WorkerServers): Promise<void> {
  await Promise.all([...workerServers.values()].map((server) => server.close()));
}

async function terminate({ hooks, log }: RegisteredApp, context: object): Promise<void> {
  try {
    await runHooks(hooks.appTerminate, context);
  } catch (error) {
    log("error", "system", `An appTerminate hook failed: ${error instanceof Error ? error.stack : error}`);
  }
}
