import { getGlobalDispatcher, setGlobalDispatcher } from "undici";

/** Sends this process's requests for an origin to another, by `fetch` and undici. Returns what undoes it. */
export function routeOrigin(origin: string, target: string): () => void {
  const previous = getGlobalDispatcher();
  const routed = previous.compose((dispatch) => (options, handler) => {
    const isRouted = String(options.origin) === origin;
    return dispatch(isRouted ? { ...options, origin: target } : options, handler);
  });
  setGlobalDispatcher(routed);
  return () => setGlobalDispatcher(previous);
}
