import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The package as its sources are, not as it was built last.
  ssr: { resolve: { conditions: ["easy-auth-local-source", "module", "node", "development|production"] } },
  test: {
    include: ["test/**/*.test.ts", "packages/*/test/**/*.test.ts"],
    // What takes npm, Chromium, .NET or the benchmark runs by `npm run test:browser`.
    exclude: ["test/browser", "test/bench", "test/existing-app.test.ts", "**/test/packed", "**/dotnet.test.ts"],
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/no-network.ts"],
    // A process for many files: starting one and loading packages costs more than most tests. test/support/no-network.ts gives
    // each file modules of its own.
    isolate: false,
    // Most tests wait more than they compute: two files at a time even where there are two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // What is right passes on a busy machine too, where a process takes long to start. No test waits for these.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
