import { Agent, Dispatcher, EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { CLOUDS } from "../directory/clouds.ts";
import { routeNodeHttp, type Targets } from "./node-http.ts";
import { usesProxies } from "./proxies.ts";

/** Addresses on this machine that stand for Microsoft's, and for those of other APIs. */
export interface MicrosoftOrigins {
  readonly entra: string;
  readonly graph: string;
  /** Addresses on this machine by the origin that they stand for. */
  readonly services?: Readonly<Record<string, string>>;
}

/**
 * Sends this process's requests for Entra and Graph, of every cloud, and for other APIs to addresses on this machine:
 * those by `fetch` and undici, and those by `node:http` and `node:https`. The app runs unchanged, https addresses and
 * all; the `Host` header stays the real name. `traceParent` is sent along, as the header of that name, where a request
 * has none. Returns a function that undoes it.
 */
export function routeMicrosoftOrigins(
  origins: MicrosoftOrigins,
  traceParent: () => string | undefined = () => undefined,
): () => Promise<void> {
  const targets = targetsOf(origins);
  const previous = getGlobalDispatcher();
  const routed = new RoutedDispatcher(targets, traceParent);
  setGlobalDispatcher(routed);
  const restoreNodeHttp = routeNodeHttp(targets, traceParent);
  return async () => {
    restoreNodeHttp();
    setGlobalDispatcher(previous);
    await routed.destroy();
  };
}

function targetsOf({ entra, graph, services = {} }: MicrosoftOrigins): Targets {
  const clouds = CLOUDS.flatMap(({ authorityOrigin, graphOrigin }): [string, string][] => [
    [authorityOrigin, entra],
    [graphOrigin, graph],
    // Origin of the drive's files: another host to a client, the same server here.
    [graph.replace(/^http:\/\/localhost/, "https://127.0.0.1"), graph],
  ]);
  return new Map([...clouds, ...Object.entries(services)]);
}

/**
 * Dispatcher that routes requests. Does not use `compose`, which joins several `Set-Cookie` headers into one for Node
 * 20's own `fetch`.
 */
class RoutedDispatcher extends Dispatcher {
  readonly #agent = new Agent();
  readonly #others: Dispatcher = usesProxies() ? new EnvHttpProxyAgent() : this.#agent;
  readonly #targets: Targets;
  readonly #traceParent: () => string | undefined;

  constructor(targets: Targets, traceParent: () => string | undefined) {
    super();
    this.#targets = targets;
    this.#traceParent = traceParent;
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const target = this.#targets.get(String(options.origin));
    if (target === undefined) return this.#others.dispatch(options, handler);
    const headers = withHeaders(options.headers, new URL(String(options.origin)).host, this.#traceParent());
    return this.#agent.dispatch({ ...options, origin: target, headers }, handler);
  }

  override async destroy(): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#others.destroy()]);
  }
}

type SentHeaders = NonNullable<Dispatcher.DispatchOptions["headers"]>;

/** Adds `Host`, and `traceparent` where the request has none. */
function withHeaders(headers: SentHeaders | null = {}, host: string, traceparent?: string): SentHeaders {
  const trace = traceparent === undefined ? {} : { traceparent };
  if (Array.isArray(headers)) return [...headers, "host", host, ...Object.entries(trace).flat()];
  const named = headers && Symbol.iterator in headers ? Object.fromEntries(headers) : headers;
  return { ...trace, ...named, host };
}
