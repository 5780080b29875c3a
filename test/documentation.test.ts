import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { commandsIn } from "./support/documented-commands.ts";

const isPage = (path: string) => path.endsWith(".md") && !path.includes("node_modules");
const filesIn = async (folder: string, recursive = true) =>
  (await readdir(folder, { recursive })).map((path) => normalize(`${folder}/${path}`).replaceAll("\\", "/"));
const PAGES = [
  ...(await filesIn(".", false)),
  ...(await filesIn("docs")),
  ...(await Promise.all((await filesIn("packages", false)).map((folder) => filesIn(folder, false)))).flat(),
  ...(await filesIn("packages/easy-auth-local/docs")),
].filter(isPage);
const TEXTS = new Map(await Promise.all(PAGES.map(async (page) => [page, await readFile(page, "utf8")] as const)));
const textOf = (page: string) => TEXTS.get(page) ?? "";

const RUN_BY_ALL = "run before or by every test";
const AZURE = "needs Azure";
const TENANT = "needs a tenant of one's own";
const CORE_TOOLS = "needs Azure Functions Core Tools";
const POWERSHELL = "needs PowerShell";
const TYPED_INTO_A_SHELL = "test/command-line/documented-commands.test.ts";
const REGISTRY = "needs a registry or another repository";
/** Patterns for the commands of all pages, each with the test that runs them or the reason why none can. */
const COMMANDS: readonly (readonly [RegExp, string])[] = [
  [/^npm ci( && npm run build)?$/, RUN_BY_ALL],
  [/^npm run (check|build|build:library)$/, RUN_BY_ALL],
  [/^npm start( -- --files)?$/, "test/command-line/start.test.ts"],
  [/^npm start -- --tenant/, TENANT],
  [/^curl .*(\/api\/(profile|openapi\.json)|\/api\/files.*|\/emulator\/.*)$/, TYPED_INTO_A_SHELL],
  [/^(curl\.exe|\$token = npm run|Invoke-RestMethod) /, POWERSHELL],
  [/^curl .*\/api\/manager$/, "test/documented-endpoints.test.ts"],
  [/^curl .*\/api\/(orders|containers)$/, "test/own-service.test.ts"],
  [/^node orders\.mjs$/, "test/own-service.test.ts"],
  [/^(mkdir|npm pack|npx esbuild|npx easy-auth-local --api \.$)/, "test/existing-app.test.ts"],
  [/^npx vitest run test\/new-order/, "test/documented-endpoints.test.ts"],
  [/^npm run (--silent )?bench/, "test/bench"],
  [/^(eval "\$\(npx easy-auth-local env\)"|node my-backend\.js)/, "packages/easy-auth-local/test/routing.test.ts"],
  [/^npx easy-auth-local --api (\.\/|http)/, "packages/easy-auth-local/test/packed/packed.test.ts"],
  [/^(npx easy-auth-local --api 7071|func start)/, CORE_TOOLS],
  [/^(az|azd|func azure|npx openapi-typescript) /, AZURE],
  [/^(for id in|object=\$\(az|done$|API_URL=|\(cd dist\/frontend)/, AZURE],
  [/^(git |npm install )/, REGISTRY],
];

describe("every command in the documentation", () => {
  const all = PAGES.flatMap((page) => commandsIn(textOf(page)).map((command) => [command, page] as const));

  test.each(all)("%s (%s) is run by a test, or is listed with the reason why not", (command) => {
    expect(COMMANDS.filter(([pattern]) => pattern.test(command))).toHaveLength(1);
  });

  test.each(COMMANDS)("list entry %s still matches a command, which is run or left out: %s", (pattern, how) => {
    expect(all.filter(([command]) => pattern.test(command))).not.toEqual([]);
    if (how.includes("/")) expect(existsSync(how)).toBe(true);
  });
});

/** Returns the anchors of a page as GitHub derives them from its headings. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  const explicit = [...textOf(page).matchAll(/<a id="([^"]+)"/g)].map(([, id = ""]) => id);
  return [
    ...headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, "")
        .replaceAll(" ", "-"),
    ),
    ...explicit,
  ];
}

const linksIn = (page: string) =>
  [...textOf(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = ""]) => link);
const targetOf = (page: string, path = "") => (path ? normalize(`${dirname(page)}/${path}`) : page);

test.each(PAGES)("all links of %s lead to an existing page and heading", (page) => {
  for (const link of linksIn(page)) {
    const [path, anchor] = link.split("#");
    const target = targetOf(page, path);
    expect(existsSync(target), link).toBe(true);
    if (anchor && TEXTS.has(target)) expect(anchorsOf(target), link).toContain(anchor);
  }
});

/**
 * Returns the files of this repository that a page names, except those that the reader adds. Decisions may name files
 * of their day.
 */
const filesNamedIn = (page: string) =>
  [...textOf(page).matchAll(/`((?:src|test|infra|scripts|packages|bench|frontend|docs)\/[^`\s*<{…]+)`/g)]
    .map(([, path = ""]) => path)
    .filter((path) => !path.startsWith("src/functions/") && path !== "test/new-order.test.ts");

test.each(PAGES.filter((page) => !/CHANGELOG|decisions\/\d/.test(page)))("the files that %s names exist", (page) => {
  const isThere = (path: string) => existsSync(path) || existsSync(page.replace(/docs\/.*|[^/]*$/, path));
  expect(filesNamedIn(page).filter((path) => !isThere(path))).toEqual([]);
});

test("every page is in an index", () => {
  const listed = ["README.md", "docs/README.md", "docs/decisions/README.md"].flatMap((index) =>
    linksIn(index).map((link) => targetOf(index, link.split("#")[0])),
  );
  const known = ["README.md", "CHANGELOG.md", "SECURITY.md", "docs/README.md"];
  expect(
    PAGES.filter((page) => !listed.includes(page) && !known.includes(page) && !page.endsWith("CHANGELOG.md")),
  ).toEqual([]);
});

test("the index of decisions has the title of each", async () => {
  const index = textOf("docs/decisions/README.md");
  for (const page of PAGES.filter((path) => /decisions\/\d/.test(path))) {
    const title = /^# \d+[.:]? (.*)$/m.exec(textOf(page))?.[1];
    const [file = ""] = /[^/]+$/.exec(page) ?? [];
    expect(index).toContain(`| ${Number(file.slice(0, 4))} | [${title}](${file}) |`);
  }
});

test("the page on the local stack names every option of this repository's stack", async () => {
  const { usage } = await import("../packages/easy-auth-local/src/command/command-line.ts");
  const options = [...usage().matchAll(/^ {2}--([a-z-]+)/gm)].map(([, name]) => name);
  /** Options for other apps, which the package's own page describes. */
  const others = ["api", "frontend", "run", "config", "entra", "settings", "help"];
  const text = textOf("docs/local-stack.md");
  expect(options.filter((name) => !others.includes(name ?? "") && !text.includes(`--${name}`))).toEqual([]);
});
