import { loadApp } from "./app-loader.ts";
import type { Registration } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import { runHooks } from "./invocation.ts";

/** A loaded app whose appStart hooks have run. */
export interface RunningApp {
  readonly registration: Registration;
  /** Runs the appTerminate hooks; a failure is logged. */
  stop(): Promise<void>;
}

/** Loads the app afresh and runs its appStart hooks. */
export async function startApp(appRoot: string, log: LogHandler): Promise<RunningApp> {
  const registration = await loadApp(appRoot, log);
  const context = { hookData: {} };
  await runHooks(registration.hooks.appStart, context);
  return { registration, stop: () => terminate(registration, context) };
}

async function terminate({ hooks, log }: Registration, context: object): Promise<void> {
  try {
    await runHooks(hooks.appTerminate, context);
  } catch (error) {
    log("error", "system", `An appTerminate hook failed: ${error instanceof Error ? error.stack : error}`);
  }
}
