import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type BicepFile, loadBicepParser, parseBicep } from "./bicep.ts";
import type { Body, Schema } from "./schema.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Texts that belong to a deployment but lie outside `infra/` and `src/functions/`. */
const BESIDE = ["azure.yaml", ".node-version", "src/errors.ts", "docs/deploy.md", ".github/workflows/deploy.yml"];

export interface Infra {
  /** Every text by its path from the root. */
  readonly texts: ReadonlyMap<string, string>;
  /** Every Bicep file by its path from `infra/`. */
  readonly files: ReadonlyMap<string, BicepFile>;
  readonly schema: Schema;
  readonly transcribed: Schema;
}

/** Reads the deployment as it is in the tree. */
export async function loadInfra(): Promise<Infra> {
  await loadBicepParser();
  const inFolders = await Promise.all(["infra", "src/functions"].map(filesIn));
  const read = async (path: string) => [path, await readFile(`${ROOT}${path}`, "utf8")] as const;
  const texts = new Map(await Promise.all([...inFolders.flat(), ...BESIDE].map(read)));
  const schemaAt = async (name: string) =>
    JSON.parse(
      await readFile(new URL(name, import.meta.url), "utf8").catch(() => '{"resources":{},"types":{}}'),
    ) as Schema;
  const transcribed = await schemaAt("schema-transcribed.json");
  const azure = await schemaAt("schema-azure.json");
  const schema = {
    source: azure.source,
    resources: { ...azure.resources, ...transcribed.resources },
    types: { ...azure.types, ...transcribed.types },
  };
  return withTexts({ texts, files: new Map(), schema, transcribed }, texts);
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(`${ROOT}${folder}`, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
}

/** The same deployment with other texts. */
export function withTexts(infra: Infra, texts: ReadonlyMap<string, string>): Infra {
  const files = new Map<string, BicepFile>();
  for (const [path, text] of texts) {
    if (!path.endsWith(".bicep")) continue;
    const name = path.replace(/^infra\//, "");
    const isSame = infra.files.get(name)?.text === text;
    files.set(name, (isSame && infra.files.get(name)) || parseBicep(name, text));
  }
  return { ...infra, texts, files };
}

/** All resources of all files. */
export function bodiesOf(files: Infra["files"]): Body[] {
  return [...files.values()].flatMap((file) => file.resources.map((resource) => ({ ...resource, file })));
}
