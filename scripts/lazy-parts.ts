import { basename, resolve } from "node:path";
import type { Plugin } from "esbuild";

/** A file that becomes a bundle of its own. */
interface LazyPart {
  readonly source: string;
  /** Its bundle's file name. */
  readonly name: string;
}

/** Makes a bundle of its own of every file that the code imports by `import("./x.ts")`, so that it costs nothing until then. */
export function lazyParts(): { readonly plugin: Plugin; readonly found: ReadonlyMap<string, LazyPart> } {
  const found = new Map<string, LazyPart>();
  const plugin: Plugin = {
    name: "lazy-parts",
    setup({ onResolve }) {
      onResolve({ filter: /^\..*\.ts$/ }, ({ kind, path, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined;
        const source = resolve(resolveDir, path);
        const name = basename(path).replace(/\.ts$/, ".cjs");
        found.set(source, { source, name });
        return { path: `./${name}`, external: true };
      });
    },
  };
  return { plugin, found };
}
