import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { lazyParts } from "../lazy-parts.ts";
import { markdownPage } from "../markdown-page.ts";
import type { Surroundings } from "./endpoints.ts";

/** Time limit for loading the app; it usually needs a small part of it. */
const TIME_MS = 30_000;

/** Settings that turn on the routes that are off by default. */
const ALL_ROUTES = { STORAGE_ACCOUNT_URL: "https://contoso.blob.core.windows.net", STORAGE_CONTAINER: "documents" };

/**
 * Makes the OpenAPI document of the app in `root`, as JSON: loads the app in a worker thread with the settings of
 * `local.settings.example.json`, and reads what it registers and declares. No handler runs.
 *
 * @throws Error when the app cannot be loaded in this way, or declares something that OpenAPI cannot express
 */
export async function readDocument(root: string): Promise<string> {
  const names = (await readdir(`${root}src/functions`)).filter((name) => /^[^.]+\.ts$/.test(name)).sort();
  const files = names.map((name) => name.replace(/\.ts$/, ""));
  const { outputFiles } = await build({
    ...LOADABLE,
    absWorkingDir: root,
    plugins: [markdownPage, lazyParts().plugin, recorder],
    stdin: { contents: await programFor(root, files), resolveDir: root, sourcefile: "openapi.ts", loader: "ts" },
  });
  return postedBy(outputFiles[0]?.text ?? "", { ...(await settingsIn(root)), ...ALL_ROUTES });
}

const LOADABLE = {
  ...{ bundle: true, platform: "node", target: "node20", format: "cjs", write: false, logLevel: "silent" },
  mainFields: ["module", "main"],
} as const satisfies BuildOptions;

/** Stand-in for the module that the Functions worker provides; records the functions that the app registers. */
const RECORDER = `
export const registered = [];
let file;
export const isIn = (name) => { file = name; };
export const registerFunction = (metadata, handler) => {
  registered.push({ file, metadata, handler });
  return { dispose() {} };
};
export const registerHook = () => ({ dispose() {} });
export const setProgrammingModel = () => {};
export const log = () => {};
`;

/** Provides the recorder, an empty document, and `virtual:file/x`, which tells the recorder that file `x` loads next. */
const recorder: Plugin = {
  name: "openapi-recorder",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(@azure\/functions-core$|virtual:)/ }, ({ path }) => ({ path, namespace: "openapi" }));
    onLoad({ filter: /./, namespace: "openapi" }, ({ path }) => ({
      resolveDir: "/",
      contents: path.startsWith("@") ? RECORDER : path === "virtual:openapi" ? 'export default "";' : noteOf(path),
    }));
  },
};

function noteOf(path: string): string {
  return `import { isIn } from "@azure/functions-core";\nisIn(${JSON.stringify(path.replace("virtual:file/", ""))});`;
}

/** Returns the program that loads the functions, file by file, and posts the document. */
async function programFor(root: string, files: readonly string[]): Promise<string> {
  const own = (name: string) => JSON.stringify(fileURLToPath(new URL(name, import.meta.url)));
  const { name, version } = (await jsonIn(`${root}package.json`)) as {
    readonly name: string;
    readonly version: string;
  };
  const surroundings = JSON.stringify(await surroundingsIn(root));
  return `
    import { parentPort } from "node:worker_threads";
    import { registered } from "@azure/functions-core";
    import { documentOf } from ${own("document.ts")};
    import { endpointsOf } from ${own("endpoints.ts")};
    ${files.map((file, index) => `import "virtual:file/${file}";\nimport * as f${index} from "./src/functions/${file}.ts";`).join("\n")}
    const modules = { ${files.map((file, index) => `"${file}": f${index}`).join(", ")} };
    const endpoints = endpointsOf(registered, { ...${surroundings}, modules });
    parentPort?.postMessage(documentOf({ title: "${name}", version: "${version}", endpoints }));
  `;
}

async function surroundingsIn(root: string): Promise<Omit<Surroundings, "modules">> {
  const host = (await jsonIn(`${root}host.json`)) as {
    readonly extensions?: { readonly http?: { readonly routePrefix?: string } };
  };
  const stack = (await jsonIn(`${root}easy-auth-local.json`)) as {
    readonly api?: { readonly excludedPaths?: readonly string[] };
  };
  return { prefix: host.extensions?.http?.routePrefix ?? "api", publicPaths: stack.api?.excludedPaths ?? [] };
}

async function settingsIn(root: string): Promise<Readonly<Record<string, string>>> {
  const { Values = {} } = (await jsonIn(`${root}local.settings.example.json`)) as {
    readonly Values?: Readonly<Record<string, string>>;
  };
  return Values;
}

/** Reads a JSON file; an empty object without it. */
async function jsonIn(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => "{}");
  return JSON.parse(text);
}

/** Runs a program in a thread with only these settings, and returns the first message it posts, as JSON. */
function postedBy(program: string, settings: Readonly<Record<string, string>>): Promise<string> {
  const worker = new Worker(program, { eval: true, env: settings, stdout: true, stderr: true });
  return new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("Loading the app took too long.")), TIME_MS);
    worker.once("message", (document: unknown) => resolve(JSON.stringify(document)));
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("The app ended while it was being loaded.")));
    worker.once("exit", () => clearTimeout(timer));
  }).finally(() => worker.terminate());
}
