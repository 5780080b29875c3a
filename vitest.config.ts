import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Uses the package's sources, not its last build.
  ssr: { resolve: { conditions: ["easy-auth-local-source", "module", "node", "development|production"] } },
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    // Tests that need npm, Chromium, .NET or the benchmark are run by `npm run test:integration`.
    exclude: ["test/browser", "test/bench", "test/existing-app.test.ts", "**/test/packed", "**/dotnet.test.ts"],
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/no-network.ts"],
    // One process runs many files, since starting one and loading packages costs more than most tests.
    // test/support/no-network.ts gives each file its own modules.
    isolate: false,
    // Most tests wait more than they compute: two files at a time even where there are two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // What is right passes on a busy machine too, where a process takes long to start. No test waits for these.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
