import { readFile } from "node:fs/promises";
import type { BuildOptions } from "esbuild";
import { htmlOf } from "./markdown-page.ts";

const COPIED = ["index.html", "signed-out.html", "style.css", "icon.svg"];
const ERROR_DOCUMENTS = ["errors.md", "frontend-errors.md"];

/** A file's name in `dist/`, and what is in it. */
export type BuiltFile = readonly [name: string, contents: Buffer];

/** `dist/frontend/main.mjs`: the frontend's server in one file. */
export const FRONTEND_SERVER: BuildOptions = {
  entryPoints: ["frontend/main.ts"],
  outfile: "dist/frontend/main.mjs",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
  sourcemap: true,
};

export const FRONTEND_PAGE: BuildOptions = {
  entryPoints: ["frontend/page/page.ts"],
  outfile: "dist/frontend/page/page.js",
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
};

/** What else `dist/frontend/` needs to be deployed alone. */
export async function frontendFiles(root: string): Promise<BuiltFile[]> {
  const read = (name: string): Promise<Buffer> => readFile(`${root}${name}`);
  const pages = COPIED.map(async (name) => [`frontend/page/${name}`, await read(`frontend/page/${name}`)] as const);
  const documents = await Promise.all(ERROR_DOCUMENTS.map((name) => read(`docs/${name}`)));
  const errors = documents.map((markdown) => htmlOf(markdown.toString())).join("\n");
  const template = (await read("frontend/page/errors.html")).toString();
  return [
    ...(await Promise.all(pages)),
    ["frontend/page/errors.html", Buffer.from(template.replace("<!-- docs/*errors.md -->", () => errors))],
    ["frontend/package.json", packageJson(JSON.parse((await read("package.json")).toString()))],
  ];
}

/** What App Service reads: the Node version and how to start. Nothing is installed there. */
function packageJson({ name, version, engines }: Record<string, unknown>): Buffer {
  const content = {
    name: `${String(name)}-frontend`,
    version,
    private: true,
    type: "module",
    engines,
    // exec: so that a signal reaches the server itself. Linux only, as the deployment is.
    scripts: { start: "exec node main.mjs" },
  };
  return Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`);
}
