import { loadApp } from "./app-loader.ts";
import type { Registration } from "./core-api.ts";
import type { LogHandler } from "./core-types.ts";
import { runHooks } from "./invocation.ts";

/** A loaded app whose appStart hooks have run. */
interface RunningApp {
  readonly registration: Registration;
  /** Runs the appTerminate hooks (a failure is logged) and gives the environment back. */
  stop(): Promise<void>;
}

/** Puts the settings into the environment, over what is there, loads the app and runs its appStart hooks. */
export async function startApp(
  appRoot: string,
  settings: Readonly<Record<string, string>>,
  log: LogHandler,
): Promise<RunningApp> {
  const restoreEnvironment = applySettings(settings);
  try {
    const registration = await loadApp(appRoot, log);
    const context = { hookData: {} };
    await runHooks(registration.hooks.appStart, context);
    return { registration, stop: () => terminate(registration, context).finally(restoreEnvironment) };
  } catch (error) {
    restoreEnvironment();
    throw error;
  }
}

async function terminate({ hooks, log }: Registration, context: object): Promise<void> {
  try {
    await runHooks(hooks.appTerminate, context);
  } catch (error) {
    log("error", "system", `An appTerminate hook failed: ${error instanceof Error ? error.stack : error}`);
  }
}

function applySettings(settings: Readonly<Record<string, string>>): () => void {
  const before = Object.keys(settings).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, settings);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
