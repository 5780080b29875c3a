import { defineConfig } from "vitest/config";

/** `npm run test:browser`: the page in a real Chromium, against the whole local stack. */
export default defineConfig({
  // The package as its sources are, not as it was built last.
  ssr: { resolve: { conditions: ["easy-auth-local-source", "module", "node", "development|production"] } },
  test: {
    include: ["test/browser/**/*.test.ts"],
    globalSetup: ["test/support/build.ts"],
    setupFiles: ["test/support/no-network.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Each file has a stack and a browser: together they would only take each other's time.
    fileParallelism: false,
  },
});
