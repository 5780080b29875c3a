import { createRequire } from "node:module";

/** Aliases for esbuild that build the Graph client from its TypeScript. */
export const GRAPH_CLIENT_FROM_SOURCE = {
  "@microsoft/microsoft-graph-client": "@microsoft/microsoft-graph-client/src/index.ts",
};

/**
 * Aliases for esbuild that build the packages which each request passes through from the TypeScript that they ship. What
 * they compile for engines without async functions and private fields keeps each request's objects until a full
 * collection: docs/decisions/0062-two-packages-are-built-from-their-source.md
 */
export const FROM_SOURCE = {
  ...GRAPH_CLIENT_FROM_SOURCE,
  "@azure/functions": "@azure/functions/src/index.ts",
  // Its ES module lacks the names that its CommonJS exports.
  "@azure/functions-extensions-base": createRequire(import.meta.url).resolve("@azure/functions-extensions-base"),
};
