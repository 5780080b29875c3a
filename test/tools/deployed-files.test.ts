import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { filesOfAzd, type NodeService, remoteBuildOf } from "./azd.ts";
import { filesOfFunc, ignoreRules } from "./core-tools.ts";
import { gitIgnores } from "./gitignore.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), "utf8");

/** Files below `dist/api` that the page promises. */
const API = /^dist\/api\n((?: {2}\S+.*\n)+)/m
  .exec(read("docs/deploy.md"))?.[1]
  ?.match(/^ {2}\S+/gm)
  ?.map((name) => name.trim());
const WRITTEN_DOWN = [...(API ?? [])].sort();
const FROM_ROOT = ["host.json", "package.json", ...WRITTEN_DOWN.map((name) => `dist/api/${name}`)].sort();
/** Files that `func publish` sends from the root before a build, which it reports as a success. */
const NOTHING_BUILT = ["host.json", "package.json"];

const { services } = parse(read("azure.yaml")) as { services: Record<"api" | "frontend", NodeService> };

/** Names at the top of the repository: tracked ones, and untracked ones that git does not ignore. */
const TOP_LEVEL = new Set(
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n")
    .map((path) => path.split("/")[0] ?? ""),
);

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Makes a folder with empty files. */
function folderWith(files: readonly string[], contents: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), "tools-"));
  folders.push(folder);
  for (const [name, content] of [...files.map((file) => [file, ""] as const), ...Object.entries(contents)]) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** Makes a fresh clone: only what git tracks. Files are empty except those that tools read. */
function makeFreshClone(): string {
  const tracked = execFileSync("git", ["ls-files"], { cwd: ROOT, encoding: "utf8" }).trim().split("\n");
  // npm looks upwards for a folder's workspace, and reads each package.json of it.
  const needed = [
    ".funcignore",
    "host.json",
    ...tracked.filter((name) => /^((packages|scripts)\/[^/]+\/)?package\.json$/.test(name)),
  ];
  const contents = Object.fromEntries(needed.map((name) => [name, read(name)]));
  return folderWith(tracked, contents);
}

function makeBuiltClone(): string {
  const clone = makeFreshClone();
  cpSync(join(ROOT, "dist"), join(clone, "dist"), { recursive: true });
  for (const name of ["node_modules/undici", ".local", "coverage"]) mkdirSync(join(clone, name), { recursive: true });
  for (const name of ["node_modules/undici/index.js", ".local/log", "coverage/a.json", ".env", "local.settings.json"]) {
    writeFileSync(join(clone, name), "");
  }
  return clone;
}

/** Clones that tests only read; each is made once. */
const freshClone = once(makeFreshClone);
const builtClone = once(makeBuiltClone);

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

describe("the API's deployable folder", () => {
  test("holds the files that docs/deploy.md lists, and nothing else", () => {
    expect(readdirSync(join(ROOT, "dist/api"), { recursive: true }).sort()).toEqual(WRITTEN_DOWN);
  });

  test("has nothing to install or build, and its main is the bundle", () => {
    const { main, ...rest } = JSON.parse(read("dist/api/package.json"));
    expect(main).toBe("main.cjs");
    expect(Object.keys(rest).sort()).toEqual(["engines", "name", "private", "version"]);
  });

  test("has the root's host.json, as the root is the same function app", () => {
    expect(read("dist/api/host.json")).toBe(read("host.json"));
    expect(JSON.parse(read("package.json")).main).toBe("dist/api/main.cjs");
  });

  test("has a small bundle for cold starts", () => {
    // The limit leaves room for a schema library such as zod, which an endpoint may add.
    expect(gzipSync(readFileSync(join(ROOT, "dist/api/main.cjs"))).length).toBeLessThan(500_000);
  });
});

describe("func azure functionapp publish --no-build --javascript sends", () => {
  test("the folder's files from dist/api", () => {
    expect(filesOfFunc({ folder: join(builtClone(), "dist/api") })).toEqual(WRITTEN_DOWN);
  });

  test("the folder's files from the root with --script-root dist/api", () => {
    expect(filesOfFunc({ folder: builtClone(), scriptRoot: "dist/api" })).toEqual(WRITTEN_DOWN);
  });

  test("the same from the root without it, below dist/api, with the root's host.json and package.json", () => {
    expect(filesOfFunc({ folder: builtClone() })).toEqual(FROM_ROOT);
  });

  test("nothing that runs from a fresh clone's root; with --script-root it ends with an error", () => {
    const folder = freshClone();
    expect(filesOfFunc({ folder })).toEqual(NOTHING_BUILT);
    expect(() => filesOfFunc({ folder, scriptRoot: "dist/api" })).toThrow("doesn't exist");
  });
});

describe("azd sends", () => {
  test("the API's folder, unbuilt by Azure, and the lock file that its own npm install leaves", () => {
    const clone = makeBuiltClone();
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline"];
    execFileSync("npm", install, { cwd: join(clone, services.api.project), shell: process.platform === "win32" });
    expect(filesOfAzd(clone, services.api)).toEqual([...WRITTEN_DOWN, "package-lock.json"].sort());
    expect(remoteBuildOf(clone, services.api)).toBe(false);
  });

  test("nothing before a build: its prepackage and predeploy hooks build", () => {
    expect(() => filesOfAzd(freshClone(), services.api)).toThrow("does not exist");
    const { hooks } = parse(read("azure.yaml"));
    for (const hook of ["prepackage", "predeploy"]) {
      for (const system of ["posix", "windows"]) expect(hooks[hook][system].run).toBe("npm ci && npm run build");
    }
  });
});

test("VS Code sends the API's folder, built first", () => {
  const settings = JSON.parse(read(".vscode/settings.json"));
  const tasks = JSON.parse(read(".vscode/tasks.json")).tasks as { label: string; script?: string }[];
  // appservice/src/deploy/runWithZipStream.ts of https://github.com/microsoft/vscode-azuretools/tree/e188f06528a3d50be5c4f7b6b957b2d3b8b09bed:
  // all files of the folder that azureFunctions.deploySubpath names, but for patterns of a .funcignore in it.
  expect(settings["azureFunctions.deploySubpath"]).toBe("dist/api");
  expect(existsSync(join(ROOT, "dist/api/.funcignore"))).toBe(false);
  expect(tasks.find(({ label }) => label === settings["azureFunctions.preDeployTask"])?.script).toBe("build");
});

describe(".funcignore", () => {
  const text = read(".funcignore");
  const accepts = ignoreRules(text);

  test.each([...TOP_LEVEL, "node_modules", ".env", "coverage", "local.settings.json"])(
    "decides whether %s is sent",
    (name) => {
      const isSent = NOTHING_BUILT.includes(name);
      expect(accepts(name), `${name}: add it to .funcignore, or to what is sent`).toBe(isSent);
      expect(accepts(`${name}/.hidden/file`)).toBe(isSent);
      expect(gitIgnores(text, name)).toBe(!isSent);
    },
  );

  test.each(readdirSync(join(ROOT, "dist")))("decides whether dist/%s is sent", (name) => {
    expect(accepts(`dist/${name}/file.mjs`)).toBe(name === "api");
    expect(gitIgnores(text, `dist/${name}/`)).toBe(name !== "api");
  });

  test("has no pattern with !, which Core Tools would prefer to all others", () => {
    expect(text).not.toMatch(/^!/m);
  });
});

describe("Core Tools' rules are not those of gitignore:", () => {
  test.each([
    ["a pattern with ! wins wherever it stands", "!dist\ndist/frontend", "dist/frontend/main.mjs", true],
    ["a pattern with ! includes every name that begins like it", "*\n!host", "host-secrets.json", true],
    ["a pattern matches only from the top", "secrets", "docs/secrets", true],
    ["a slash at the end does not match names that begin with a dot", "docs/", "docs/.draft", true],
    ["a pattern goes as far as a word", "test", "test-kit/index.ts", false],
    ["a set of characters is taken literally", "[dt]ocs", "docs/deploy.md", true],
  ])("%s", (_, patterns, path, isSent) => {
    expect(ignoreRules(patterns)(path)).toBe(isSent);
    expect(gitIgnores(patterns, path)).toBe(isSent);
  });

  test("it looks for host.json upwards: from dist/ it sends the root", () => {
    expect(filesOfFunc({ folder: builtClone(), scriptRoot: "dist" })).toEqual(FROM_ROOT);
  });

  test("it leaves out .git, .vscode and local.settings.json at any depth, in any letter case", () => {
    const left = ["a/.git/x", "a/.VSCode/x", "b/Local.Settings.json", ".gitignore"];
    expect(filesOfFunc({ folder: folderWith(["host.json", "a/.env", ...left]) })).toEqual(["a/.env", "host.json"]);
  });
});

describe("azd's rules:", () => {
  const api = { project: "api", host: "function", remoteBuild: false } as const;

  test("it reads no .gitignore: everything in the folder is sent", () => {
    const folder = folderWith(["api/.env", "api/main.cjs", "api/local.settings.json"], { ".gitignore": "api/" });
    expect(filesOfAzd(folder, api)).toEqual([".env", "main.cjs"]);
  });

  test("node_modules is left out unless remoteBuild is false", () => {
    const folder = folderWith(["api/main.cjs", "api/node_modules/x/index.js"]);
    expect(filesOfAzd(folder, api)).toContain("node_modules/x/index.js");
    expect(filesOfAzd(folder, { project: "api", host: "function" })).toEqual(["main.cjs"]);
  });

  test.each([
    ["no ignore file", undefined, false, false],
    ["no ignore file", undefined, undefined, true],
    ["one that leaves node_modules in", "*.log", undefined, false],
    ["one that leaves node_modules out", "node_modules", undefined, true],
    ["one that leaves node_modules out", "node_modules", true, true],
    ["one that leaves node_modules out", "node_modules", false, "'remoteBuild: false' cannot be used"],
    ["one that leaves all out but some", "*\n!host.json", false, "'remoteBuild: false' cannot be used"],
    ["one that leaves node_modules in", "*.log", true, "'remoteBuild: true' requires"],
  ])("with %s (%j), remoteBuild: %s results in %s", (_, patterns, remoteBuild, result) => {
    const files = patterns === undefined ? {} : { "api/.funcignore": patterns };
    const folder = folderWith(["api/main.cjs"], files);
    const resolved = () =>
      remoteBuildOf(folder, { project: "api", host: "function", ...(remoteBuild !== undefined && { remoteBuild }) });
    if (typeof result === "string") expect(resolved).toThrow(result);
    else expect(resolved()).toBe(result);
  });
});
