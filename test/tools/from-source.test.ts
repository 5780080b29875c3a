import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { FROM_SOURCE } from "../../scripts/from-source.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(import.meta.url);

/** Returns the names that a package's source exports, types included, when it is built as in the app. */
async function namesInSource(name: string): Promise<readonly string[]> {
  const { metafile } = await build({
    ...{
      stdin: { contents: `export * from "${name}";`, resolveDir: ROOT },
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node20",
    },
    ...{ external: ["@azure/functions-core"], alias: FROM_SOURCE, mainFields: ["module", "main"] },
    ...{ write: false, metafile: true, outfile: "source.mjs" },
  });
  return Object.values(metafile.outputs).flatMap(({ exports }) => exports);
}

describe("a package that is built from its source", () => {
  test.each(["@azure/functions", "@microsoft/microsoft-graph-client"] as const)(
    "exports the same names as the published one: %s",
    async (name) => {
      const published = Object.keys(require(name)).filter((each) => each !== "__esModule");
      expect(await namesInSource(name)).toEqual(expect.arrayContaining(published));
    },
  );

  test("has the published version", () => {
    const { version } = require("@azure/functions/package.json");
    const constants = readFileSync(require.resolve("@azure/functions/src/constants.ts"), "utf8");
    expect(constants).toContain(`version = '${version}'`);
    const graph = require("@microsoft/microsoft-graph-client/package.json").version;
    expect(readFileSync(require.resolve("@microsoft/microsoft-graph-client/src/Version.ts"), "utf8")).toContain(
      `"${graph}"`,
    );
  });
});

test("the built app has native async functions and private fields", () => {
  const app = readFileSync(`${ROOT}dist/api/main.cjs`, "utf8");
  expect(app).not.toMatch(/__awaiter|__classPrivateField/);
});
