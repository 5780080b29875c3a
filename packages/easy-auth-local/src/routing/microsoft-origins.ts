import { Agent, Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { CLOUDS } from "../directory/clouds.ts";

/** Addresses on this machine that stand for Microsoft's. */
export interface MicrosoftOrigins {
  readonly entra: string;
  readonly graph: string;
}

/**
 * Sends this process's requests for Entra and Graph, of every cloud, to the emulators, by `fetch` and by undici alike: both
 * use undici's global dispatcher. The app runs unchanged, https addresses and all; the `Host` header stays Microsoft's name.
 * Returns what undoes it. `traceParent` is sent along, as the header of that name, where a request has none.
 */
export function routeMicrosoftOrigins(
  { entra, graph }: MicrosoftOrigins,
  traceParent: () => string | undefined = () => undefined,
): () => Promise<void> {
  const previous = getGlobalDispatcher();
  const routed = new RoutedDispatcher(
    new Map(
      CLOUDS.flatMap(({ authorityOrigin, graphOrigin }) => [
        [authorityOrigin, entra],
        [graphOrigin, graph],
      ]),
    ),
    traceParent,
  );
  setGlobalDispatcher(routed);
  return async () => {
    setGlobalDispatcher(previous);
    await routed.destroy();
  };
}

/** Not made with `compose`: that joins several `Set-Cookie` headers into one for Node 20's own `fetch`. */
class RoutedDispatcher extends Dispatcher {
  readonly #agent = new Agent();
  readonly #targets: ReadonlyMap<string, string>;
  readonly #traceParent: () => string | undefined;

  constructor(targets: ReadonlyMap<string, string>, traceParent: () => string | undefined) {
    super();
    this.#targets = targets;
    this.#traceParent = traceParent;
  }

  override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const target = this.#targets.get(String(options.origin));
    if (target === undefined) return this.#agent.dispatch(options, handler);
    const headers = withHeaders(options.headers, new URL(String(options.origin)).host, this.#traceParent());
    return this.#agent.dispatch({ ...options, origin: target, headers }, handler);
  }

  override async destroy(): Promise<void> {
    await this.#agent.destroy();
  }
}

type SentHeaders = NonNullable<Dispatcher.DispatchOptions["headers"]>;

/** `Host`, and `traceparent` where the request has none. */
function withHeaders(headers: SentHeaders | null = {}, host: string, traceparent?: string): SentHeaders {
  const trace = traceparent === undefined ? {} : { traceparent };
  if (Array.isArray(headers)) return [...headers, "host", host, ...Object.entries(trace).flat()];
  const named = headers && Symbol.iterator in headers ? Object.fromEntries(headers) : headers;
  return { ...trace, ...named, host };
}
