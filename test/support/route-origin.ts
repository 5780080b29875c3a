import { getGlobalDispatcher, setGlobalDispatcher } from "undici";

/** Routes this process's requests for an origin to another, for `fetch` and undici. Returns a function that undoes it. */
export function routeOrigin(origin: string, target: string): () => void {
  const previous = getGlobalDispatcher();
  const routed = previous.compose((dispatch) => (options, handler) => {
    const isRouted = String(options.origin) === origin;
    return dispatch(isRouted ? { ...options, origin: target } : options, handler);
  });
  setGlobalDispatcher(routed);
  return () => setGlobalDispatcher(previous);
}
