import { readFile } from "node:fs/promises";
import type { BuildOptions } from "esbuild";
import { type BuiltFile, packageJson } from "./deployed-files.ts";
import { htmlOf } from "./markdown-page.ts";

const COPIED = ["index.html", "signed-out.html", "style.css", "icon.svg"];
const ERROR_DOCUMENTS = ["errors.md", "frontend-errors.md"];

/** `dist/frontend/main.mjs`: the frontend's server in one file. */
export const FRONTEND_SERVER: BuildOptions = {
  entryPoints: ["frontend/main.ts"],
  bundle: true,
  platform: "node",
  target: "node20",
  format: "esm",
};

export const FRONTEND_PAGE: BuildOptions = {
  entryPoints: ["frontend/page/page.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
};

/** Returns the other files that `dist/frontend/` needs to be deployed alone. */
export async function frontendFiles(root: string): Promise<BuiltFile[]> {
  const read = (name: string): Promise<Buffer> => readFile(`${root}${name}`);
  const pages = COPIED.map(async (name) => [`frontend/page/${name}`, await read(`frontend/page/${name}`)] as const);
  const documents = await Promise.all(ERROR_DOCUMENTS.map((name) => read(`docs/${name}`)));
  const errors = documents.map((markdown) => htmlOf(markdown.toString())).join("\n");
  const template = (await read("frontend/page/errors.html")).toString();
  return [
    ...(await Promise.all(pages)),
    ["frontend/page/errors.html", Buffer.from(template.replace("<!-- docs/*errors.md -->", () => errors))],
    // With `exec`, signals reach the server itself. Linux only, as the deployment is.
    await packageJson(root, "frontend", { type: "module", scripts: { start: "exec node main.mjs" } }),
  ];
}
