import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Files with one import each that the rule allows. */
const ALLOWED: Readonly<Record<string, string>> = {
  "src/functions/a.ts": "../app.ts",
  "src/app.ts": "./as-user.ts",
  "src/as-user.ts": "./entra/verify.ts",
  "src/files/a.ts": "../http/query.ts",
  "src/entra/a.ts": "../outgoing/send.ts",
  "src/downstream/a.ts": "../user.ts",
  "src/downstream/graph/a.ts": "../user-call.ts",
  "src/outgoing/a.ts": "../telemetry/telemetry.ts",
  "frontend/a.ts": "../src/http/conditions.ts",
};
const REFUSED: Readonly<Record<string, string>> = {
  "src/functions/b.ts": "../entra/verify.ts",
  "src/http/entra.ts": "../entra/verify.ts",
  "src/http/downstream.ts": "../downstream/failure.ts",
  "src/entra/downstream.ts": "../downstream/failure.ts",
  "src/downstream/entra.ts": "../entra/scopes.ts",
  "src/downstream/graph/entra.ts": "../../entra/scopes.ts",
  "src/downstream/graph/http.ts": "../../http/query.ts",
  "src/outgoing/entra.ts": "../entra/msal-network.ts",
  "src/outgoing/user.ts": "../user.ts",
  "src/telemetry/outgoing.ts": "../outgoing/send.ts",
  "src/user.ts": "./as-user.ts",
  "src/errors.ts": "./user.ts",
  "src/settings.ts": "./telemetry/telemetry.ts",
  "src/functions/local.ts": "easy-auth-local",
  "src/entra/local.ts": "easy-auth-local/parts",
  "src/settings/local.ts": "easy-auth-local/test-kit",
  "src/http/stack.ts": "../../packages/easy-auth-local/src/stack.ts",
  "packages/easy-auth-local/src/src.ts": "../../../src/errors.ts",
  "packages/easy-auth-local/src/entra/src.ts": "../../../../src/entra/verify.ts",
  "packages/shared-token-cache/src/src.ts": "../../../src/errors.ts",
  "frontend/errors.ts": "../src/errors.ts",
};

let folder: string;
/** Files that Biome complains about, by rule, given this repository's configuration. */
let found: ReadonlyMap<string, readonly string[]>;

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), text);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imports-"));
  const { vcs: _, ...config } = JSON.parse(await readFile(`${ROOT}biome.json`, "utf8"));
  await write("biome.json", JSON.stringify(config));
  await symlink(`${ROOT}node_modules`, join(folder, "node_modules"));
  const folders = (await readdir(`${ROOT}src`, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  for (const [name, from] of Object.entries({ ...ALLOWED, ...REFUSED })) {
    await write(name, `export type { Thing } from "${from}";\n`);
  }
  for (const { name } of folders) await write(`src/${name}/lazy.ts`, 'export const up = import("../app.ts");\n');
  await write("src/entra/one.ts", 'export type { Two } from "./two.ts";\nexport type One = 1;\n');
  await write("src/entra/two.ts", 'export type { One } from "./one.ts";\nexport type Two = 2;\n');
  const args = [
    "lint",
    "--only=noRestrictedImports",
    "--only=noImportCycles",
    "--reporter=json",
    "--max-diagnostics=none",
  ];
  const biome = promisify(execFile)(`${ROOT}node_modules/.bin/biome`, args, { cwd: folder });
  const { stdout } = await biome.catch((error: { readonly stdout: string }) => error);
  const { diagnostics } = JSON.parse(stdout) as {
    readonly diagnostics: readonly { readonly category: string; readonly location: { readonly path: unknown } }[];
  };
  const pathOf = (path: unknown) => (typeof path === "string" ? path : (path as { readonly file: string }).file);
  const byRule = new Map<string, string[]>();
  for (const { category, location } of diagnostics) {
    byRule.set(category, [...(byRule.get(category) ?? []), pathOf(location.path)]);
  }
  found = byRule;
});

afterAll(() => rm(folder, { recursive: true }));

describe("the rule for imports", () => {
  const refused = () => found.get("lint/style/noRestrictedImports") ?? [];

  test.each(Object.entries(ALLOWED))("lets %s import %s", (name) => {
    expect(refused()).not.toContain(name);
  });

  test.each(Object.entries(REFUSED))("refuses that %s imports %s, even as a type", (name) => {
    expect(refused()).toContain(name);
  });

  test("has a line for every folder of src: none but the endpoints may import the composition", async () => {
    const folders = (await readdir(`${ROOT}src`, { withFileTypes: true })).filter((entry) => entry.isDirectory());
    const names = folders.map(({ name }) => name).filter((name) => name !== "functions");
    expect(
      refused()
        .filter((name) => name.endsWith("/lazy.ts"))
        .sort(),
    ).toEqual(names.map((name) => `src/${name}/lazy.ts`).sort());
  });

  test("refuses a cycle, of types too", () => {
    expect(found.get("lint/suspicious/noImportCycles")).toEqual(
      expect.arrayContaining(["src/entra/one.ts", "src/entra/two.ts"]),
    );
  });
});
