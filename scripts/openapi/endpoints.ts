import type { Operation } from "../../src/http/operation.ts";
import type { Endpoint } from "./document.ts";

/** A function, as `@azure/functions` registers it with the host. */
export interface Registered {
  /** Name of its file, without extension. */
  readonly file: string;
  readonly metadata: {
    readonly name: string;
    readonly bindings: Readonly<Record<string, { readonly type: string } & Partial<HttpTrigger>>>;
  };
  readonly handler: { readonly scopes?: readonly string[] };
}

interface HttpTrigger {
  readonly methods: readonly string[];
  readonly route: string;
}

/** Facts of the app beside its functions. */
export interface Surroundings {
  /** Prefix of all routes in host.json. */
  readonly prefix: string;
  /** Paths that Easy Auth lets through without a token. */
  readonly publicPaths: readonly string[];
  /** Exports of each file of functions, by the file's name. */
  readonly modules: Readonly<Record<string, { readonly operation?: Operation }>>;
}

/** Methods of a function that names none. */
const ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Returns the functions with an HTTP trigger, each with what its file declares. */
export function endpointsOf(registered: readonly Registered[], app: Surroundings): readonly Endpoint[] {
  return registered.flatMap(({ file, metadata: { name, bindings }, handler }) => {
    const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === "httptrigger");
    if (!trigger) return [];
    const { methods = [], route = name } = trigger;
    const path = [app.prefix, route].filter(Boolean).join("/");
    // A declaration belongs to one function: the only one of its file, or the one named like the file.
    const isDeclared = name === file || registered.filter((other) => other.file === file).length === 1;
    return {
      ...{ name, route: path, scopes: handler.scopes },
      methods: methods.length > 0 ? methods.map((method) => method.toUpperCase()) : ALL_METHODS,
      isPublic: app.publicPaths.some(
        (one) => one === `/${path}` || (one.endsWith("/*") && `/${path}`.startsWith(one.slice(0, -1))),
      ),
      operation: isDeclared ? app.modules[file]?.operation : undefined,
    };
  });
}
