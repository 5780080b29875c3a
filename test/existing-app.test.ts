import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
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
/** https://github.com/Azure/azure-functions-core-tools: what `func init --typescript` writes, v4 programming model. */
const TEMPLATE = { module: "commonjs", target: "es6", outDir: "dist", rootDir: ".", sourceMap: true, strict: false };
const STRICTEST = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
/** TypeScript 7 takes the packages of @types that are named; older ones take all that lie there. */
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

/** The packages that an installation would fetch are linked; those of the page come from their files. */
async function install(root: string): Promise<void> {
  await mkdir(join(root, "node_modules"));
  for (const name of await readdir(join(ROOT, "node_modules"))) {
    if (["easy-auth-local", "functions-on-behalf-of"].includes(name)) continue;
    await symlink(join(ROOT, "node_modules", name), join(root, "node_modules", name));
  }
  for (const [, name, version] of commands.matchAll(/^npm install .*\.\/vendor\/([a-z-]+)-([\d.]+)\.tgz$/gm)) {
    const target = join(root, `node_modules/${name}`);
    await mkdir(target);
    await run("tar", ["-xzf", join(folder, `${name}-${version}.tgz`), "-C", target, "--strip-components", "1"]);
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

  test("refuses whoever is not signed in, and whom nobody consented for", async () => {
    expect((await get("/api/profile")).status).toBe(401);
    const refused = await get("/api/profile", "no-consent");
    expect([refused.status, await refused.json()]).toMatchObject([403, { code: "consent_required" }]);
  });

  test("serves the page that failures link to", async () => {
    const page = await get("/api/errors", "works");
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("consent_required")]);
  });
});

test("the package for existing apps brings what an endpoint uses, the same to CommonJS and ES modules", async () => {
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
