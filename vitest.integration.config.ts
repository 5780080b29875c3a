import { defineConfig } from "vitest/config";

/** Tests of packed packages as strangers install them: with npm and their compiler, in Chromium, with .NET's clients. */
const WITH_PROGRAMS = [
  "test/existing-app.test.ts",
  // A smoke run of all measurements, each in processes of its own.
  "test/bench/*.test.ts",
  "packages/easy-auth-local/test/packed/*.test.ts",
  "packages/easy-auth-local/test/clients/dotnet.test.ts",
];

/**
 * `npm run test:integration`: the page in a real Chromium against the whole local stack, and everything else that needs
 * large programs.
 */
export default defineConfig({
  // Uses the package's sources, not its last build.
  ssr: { resolve: { conditions: ["easy-auth-local-source", "module", "node", "development|production"] } },
  test: {
    include: ["test/browser/**/*.test.ts", ...WITH_PROGRAMS],
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/no-network.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Each file has a stack and a browser; in parallel they would only slow each other down.
    fileParallelism: false,
  },
});
