import { register } from "node:module";

/**
 * Hook of Node's loader: a module that an app's entry point imports, directly or through others, gets the entry point's
 * `?load=`, so that another load reads it again. Modules in node_modules do not, but for @azure/functions, which takes
 * `app.setup` only once.
 */
const HOOK = `export async function resolve(specifier, context, nextResolve) {
  const resolved = await nextResolve(specifier, context);
  const load = /[?&](load=\\d+)/.exec(context.parentURL ?? "")?.[1];
  const isForeign = /\\/node_modules\\/(?!@azure\\/functions\\/)/.test(resolved.url);
  if (!load || isForeign || !resolved.url.startsWith("file:")) return resolved;
  return { ...resolved, url: resolved.url + "?" + load };
}`;

let isRegistered = false;

/** Lets ES modules of an app be loaded more than once in this process. May be called again. */
export function registerModuleReload(): void {
  if (isRegistered) return;
  isRegistered = true;
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
}
