import Module from "node:module";
import type {
  FunctionHandler,
  FunctionMetadata,
  HookCallback,
  LogCategory,
  LogHandler,
  LogLevel,
  ProgrammingModel,
} from "./core-types.ts";

const CORE_MODULE = "@azure/functions-core";
const HOOK_NAMES = ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"] as const;
type HookName = (typeof HOOK_NAMES)[number];

export interface RegisteredFunction {
  readonly metadata: FunctionMetadata;
  readonly handler: FunctionHandler;
  /** Copy of @azure/functions that registered it: an app that is one bundle brings its own. */
  readonly model: ProgrammingModel;
}

/** Functions and hooks that one app has registered. */
export interface RegisteredApp {
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Readonly<Record<HookName, HookCallback[]>>;
  readonly log: LogHandler;
}

interface CoreState {
  isIntercepting: boolean;
  loading: RegisteredApp | undefined;
  latestModel: ProgrammingModel | undefined;
}

const STATE_KEY: unique symbol = Symbol.for("easy-auth-local/functions-core");
const holder = globalThis as typeof globalThis & { [STATE_KEY]?: CoreState };
holder[STATE_KEY] ??= { isIntercepting: false, loading: undefined, latestModel: undefined };
/**
 * Shared by all copies of this module in a process: a copy of @azure/functions that stays loaded keeps the core module that
 * it was given first.
 */
const state = holder[STATE_KEY];

/**
 * Runs `load` and resolves to the functions and hooks registered meanwhile through "@azure/functions-core". Loads must
 * not overlap, which is not checked. Must run before the first `app.*` call of a copy of @azure/functions, which asks for
 * the module once and, when there is none, skips every registration from then on.
 */
export async function collectRegistered(log: LogHandler, load: () => Promise<void>): Promise<RegisteredApp> {
  interceptRequire();
  const registration: RegisteredApp = {
    functions: new Map(),
    hooks: { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] },
    log,
  };
  state.loading = registration;
  try {
    await load();
  } finally {
    state.loading = undefined;
  }
  return registration;
}

/**
 * Answers `require` of the core module as the real worker does:
 * https://github.com/Azure/azure-functions-nodejs-worker/blob/v3.x/src/setupCoreModule.ts
 */
function interceptRequire(): void {
  if (state.isIntercepting) return;
  state.isIntercepting = true;
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (require, self, [id]: [string]) =>
      id === CORE_MODULE ? createCoreApi() : Reflect.apply(require, self, [id]),
  });
}

/** Makes `@azure/functions-core` for one `require`: each copy of the library sets its model once and keeps the module. */
function createCoreApi(): object {
  let ownModel: ProgrammingModel | undefined;
  let app: RegisteredApp | undefined;
  const currentApp = (): RegisteredApp => {
    app = state.loading ?? app;
    if (!app) throw new Error(`"${CORE_MODULE}" was used before the Functions host loaded an app.`);
    return app;
  };
  return {
    version: "3.14.1",
    hostVersion: "4.1041.200.1", // recent enough for whatever asks, such as log hooks (4.34)
    Disposable,
    setProgrammingModel: (model: ProgrammingModel) => {
      ownModel = state.latestModel = model;
    },
    getProgrammingModel: () => ownModel ?? state.latestModel,
    registerFunction: (metadata: FunctionMetadata, handler: FunctionHandler) => {
      const model = ownModel ?? state.latestModel;
      if (!state.loading || !model) throw new Error("A function can only be registered during app startup.");
      return addFunction(currentApp(), { metadata, handler, model });
    },
    registerHook: (name: string, callback: HookCallback) => addHook(currentApp(), name, callback),
    log: (level: LogLevel, category: LogCategory, message: string) => currentApp().log(level, category, message),
  };
}

function addFunction({ functions }: RegisteredApp, registered: RegisteredFunction): Disposable {
  const { name } = registered.metadata;
  if (functions.has(name)) throw new Error(`A function with id "${name}" has already been registered.`);
  functions.set(name, registered);
  return new Disposable(() => functions.delete(name));
}

function addHook({ hooks }: RegisteredApp, name: string, callback: HookCallback): Disposable {
  if (!isHookName(name)) {
    // The library looks for this mark: node_modules/@azure/functions/src/hooks/registerHook.ts
    throw Object.assign(new RangeError(`Unrecognized hook "${name}"`), { isAzureFunctionsSystemError: true });
  }
  const callbacks = hooks[name];
  callbacks.push(callback);
  return new Disposable(() => {
    const index = callbacks.indexOf(callback);
    if (index >= 0) callbacks.splice(index, 1);
  });
}

function isHookName(name: string): name is HookName {
  return (HOOK_NAMES as readonly string[]).includes(name);
}

class Disposable {
  #callOnDispose: (() => unknown) | undefined;

  constructor(callOnDispose: () => unknown) {
    this.#callOnDispose = callOnDispose;
  }

  static from(...disposables: readonly { dispose(): unknown }[]): Disposable {
    return new Disposable(() => {
      for (const disposable of disposables) disposable.dispose();
    });
  }

  dispose(): void {
    this.#callOnDispose?.();
    this.#callOnDispose = undefined;
  }
}
