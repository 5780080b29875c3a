import type { Plugin } from "esbuild";
import { readDocument } from "./read-document.ts";

/** Empty document, for endpoints that the build cannot load. */
const EMPTY = JSON.stringify({ openapi: "3.1.1", info: { title: "Not known", version: "0" }, paths: {} });

/**
 * Lets a source file import the OpenAPI document of the app in `root` as text, by the name `virtual:openapi`. An app
 * that cannot be loaded gets an empty document and a warning; its start reports the reason.
 */
export function documentImport(root: string): Plugin {
  return {
    name: "openapi-document",
    setup: ({ onResolve, onLoad }) => {
      onResolve({ filter: /^virtual:openapi$/ }, ({ path }) => ({ path, namespace: "openapi-document" }));
      onLoad({ filter: /./, namespace: "openapi-document" }, async () => {
        const warnings: { text: string }[] = [];
        const contents = await readDocument(root).catch((error: unknown) => {
          warnings.push({ text: `/api/openapi.json lists nothing, for the app could not be loaded: ${String(error)}` });
          return EMPTY;
        });
        return { contents, loader: "text", warnings };
      });
    },
  };
}
