import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startStack, type TestStack } from "easy-auth-local/vitest";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { blocksOf } from "./support/app-copy.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const node = (cwd: string, ...args: string[]) => run(process.execPath, args, { cwd });
/**
 * Options that `func init --typescript` writes for the v4 programming model:
 * https://github.com/Azure/azure-functions-core-tools
 */
const TEMPLATE = { module: "commonjs", target: "es6", outDir: "dist", rootDir: ".", sourceMap: true, strict: false };
const TYPESCRIPT_5 = join(ROOT, "scripts/openapi/node_modules/typescript/bin/tsc");
const STRICTEST = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
/**
 * TypeScript 7 takes only the named packages of @types; older ones take all that they find.
 */
const CHECKED = { skipLibCheck: false, types: ["node"] };

interface App {
  readonly title: string;
  readonly packageJson: object;
  readonly compilerOptions: object;
  readonly bundled?: true;
}
const APPS: readonly App[] = [
  { title: "the template's app", packageJson: {}, compilerOptions: TEMPLATE },
  { title: "a strict one", packageJson: {}, compilerOptions: { ...TEMPLATE, ...STRICTEST } },
  {
    title: "one of ES modules",
    packageJson: { type: "module" },
    compilerOptions: { ...TEMPLATE, ...STRICTEST, module: "nodenext", target: "es2022" },
  },
  { title: "one that esbuild bundles", packageJson: {}, compilerOptions: { ...TEMPLATE, noEmit: true }, bundled: true },
];

let folder: string;
let endpoint = "";
let errors = "";
let commands = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "existing-app-"));
  [endpoint = "", errors = ""] = await blocksOf("docs/existing-app.md");
  commands = await readFile(join(ROOT, "docs/existing-app.md"), "utf8");
  await node(ROOT, "--import", "tsx", "scripts/build-library.ts");
  await run("npm", ["pack", "./dist/library", "./packages/easy-auth-local", "--pack-destination", folder], {
    cwd: ROOT,
  });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

/**
 * Installs the page's packages from their files, and links only what npm would install for them and the template.
 * Linked packages find their own dependencies where they lie.
 */
async function install(
  root: string,
  packages: readonly string[] = ["functions-on-behalf-of", "easy-auth-local"],
): Promise<void> {
  const needed = new Set([".bin", "typescript", "esbuild", "@types/node"]);
  for (const [, name, version] of commands.matchAll(/^npm install .*\.\/vendor\/([a-z-]+)-([\d.]+)\.tgz$/gm)) {
    if (!packages.includes(name ?? "")) continue;
    const target = join(root, `node_modules/${name}`);
    await mkdir(target, { recursive: true });
    await run("tar", ["-xzf", join(folder, `${name}-${version}.tgz`), "-C", target, "--strip-components", "1"]);
    const { dependencies = {}, peerDependencies = {} } = JSON.parse(
      await readFile(join(target, "package.json"), "utf8"),
    );
    for (const one of Object.keys({ ...dependencies, ...peerDependencies })) needed.add(one);
  }
  for (const name of needed) {
    await mkdir(join(root, "node_modules", name, ".."), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), join(root, "node_modules", name));
  }
}

async function makeApp({ packageJson, compilerOptions, bundled }: App): Promise<string> {
  const root = await mkdtemp(join(folder, "app-"));
  await mkdir(join(root, "src/functions"), { recursive: true });
  const write = (name: string, content: object | string) =>
    writeFile(join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  const extensionBundle = { id: "Microsoft.Azure.Functions.ExtensionBundle", version: "[4.*, 5.0.0)" };
  await write("host.json", { version: "2.0", extensionBundle });
  await write("package.json", { name: "my-app", main: "dist/src/functions/*.js", ...packageJson });
  await write("tsconfig.json", { compilerOptions: { ...compilerOptions, ...CHECKED }, include: ["src"] });
  await write("local.settings.json", { IsEncrypted: false, Values: { FUNCTIONS_WORKER_RUNTIME: "node" } });
  await write("src/functions/profile.ts", endpoint);
  await write("src/functions/errors.ts", errors);
  await install(root);
  await node(root, "node_modules/typescript/bin/tsc");
  await node(root, TYPESCRIPT_5, "--noEmit");
  const [, options = ""] = /^npx esbuild (.*)$/m.exec(commands) ?? [];
  if (bundled) await run("sh", ["-c", `node_modules/.bin/esbuild ${options}`], { cwd: root });
  return root;
}

describe.each(APPS)("$title, taken through docs/existing-app.md", (app) => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startStack({ api: { app: await makeApp(app) } });
  }, 120_000);
  afterAll(() => stack?.close());

  const get = async (path: string, account?: string) => {
    const headers = account ? { authorization: `Bearer ${await stack.token(account)}` } : {};
    return fetch(`${stack.apiUrl}${path}`, { headers });
  };

  test("answers with the user's profile", async () => {
    const response = await get("/api/profile", "works");
    expect([response.status, await response.json()]).toMatchObject([200, { displayName: "Adele Vance" }]);
  });

  test("answers 401 without a sign-in and 403 without consent", async () => {
    expect((await get("/api/profile")).status).toBe(401);
    const refused = await get("/api/profile", "no-consent");
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "consent_required" }]);
  });

  test("serves the page that failures link to", async () => {
    const page = await get("/api/errors", "works");
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("consent_required")]);
  });
});

test("the package for existing apps exports what an endpoint uses, identically for CommonJS and ES modules", async () => {
  const root = await mkdtemp(join(folder, "app-"));
  await install(root);
  await writeFile(
    join(root, "main.mjs"),
    `import * as module from "functions-on-behalf-of";
     import { createRequire } from "node:module";
     const required = createRequire(import.meta.url)("functions-on-behalf-of");
     console.log(JSON.stringify(Object.keys(module).filter((name) => !["default", "module.exports"].includes(name)).map((name) => [name, module[name] === required[name]])));`,
  );
  const { Values } = JSON.parse(await readFile(join(ROOT, "local.settings.example.json"), "utf8"));
  const { stdout } = await run(process.execPath, ["main.mjs"], { cwd: root, env: { ...process.env, ...Values } });
  const names = Object.fromEntries(JSON.parse(stdout));
  expect(Object.values(names)).not.toContain(false);
  for (const name of Object.keys(names)) expect(commands).toMatch(new RegExp(`\\b${name}\\b`));
});

test("its declarations need only the packages that it names, in TypeScript 7 and 5.9", async () => {
  const root = await mkdtemp(join(folder, "app-"));
  await install(root, ["functions-on-behalf-of"]);
  await writeFile(join(root, "profile.ts"), endpoint);
  const compilerOptions = { ...TEMPLATE, ...STRICTEST, ...CHECKED, noEmit: true };
  await writeFile(join(root, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  for (const tsc of ["node_modules/typescript/bin/tsc", TYPESCRIPT_5]) await node(root, tsc);
});
