import { isBuiltin } from "node:module";
import { basename, resolve } from "node:path";
import type { Plugin } from "esbuild";

/** A file or a package that becomes a bundle of its own. */
interface LazyPart {
  readonly source: string;
  /** File name of its bundle. */
  readonly name: string;
}

/**
 * Gives each file (`import("./x.ts")`) and package (`import("x")`) that the code imports on demand a bundle of its own,
 * so that it adds nothing to the start. Dynamic imports inside packages stay in the package's bundle.
 */
export function lazyParts(extension: ".mjs" | ".cjs" = ".mjs"): {
  readonly plugin: Plugin;
  readonly found: ReadonlyMap<string, LazyPart>;
} {
  const found = new Map<string, LazyPart>();
  const plugin: Plugin = {
    name: "lazy-parts",
    setup({ onResolve }) {
      onResolve({ filter: /./ }, ({ kind, path, resolveDir, importer }) => {
        if (kind !== "dynamic-import" || isBuiltin(path) || importer.includes("node_modules")) return undefined;
        const isFile = path.startsWith(".");
        const source = isFile ? resolve(resolveDir, path) : path;
        const name = isFile ? basename(path, ".ts") : path.replace("@", "").replaceAll("/", "-");
        found.set(source, { source, name: `${name}${extension}` });
        return { path: `./${name}${extension}`, external: true };
      });
    },
  };
  return { plugin, found };
}
