import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type BicepFile, loadBicepParser, parseBicep } from "./bicep.ts";
import type { Body, Schema } from "./schema.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Texts that belong to a deployment but lie outside `infra/`. */
const BESIDE = [
  "azure.yaml",
  ".node-version",
  "src/settings.ts",
  "src/errors.ts",
  "docs/deploy.md",
  "infra/README.md",
  ".github/workflows/deploy.yml",
];

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
  const found = await readdir(`${ROOT}infra`, { recursive: true, withFileTypes: true });
  const paths = found
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(ROOT.length));
  const read = async (path: string) => [path, await readFile(`${ROOT}${path}`, "utf8").catch(() => "")] as const;
  const texts = new Map(await Promise.all([...paths, ...BESIDE].map(read)));
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
