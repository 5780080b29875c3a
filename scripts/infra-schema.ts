import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bodiesOf, loadInfra } from "../test/infra/infra.ts";
import { reachable, type Schema } from "../test/infra/schema.ts";

/**
 * `npx tsx scripts/infra-schema.ts <azmcp>`: writes what Azure's type data says of the resources in `infra/`. `<azmcp>` is the
 * program in the npm package `@azure/mcp-<platform>`, which prints it without a network. Types that it does not know are in
 * `schema-transcribed.json`.
 */
async function main(azmcp: string): Promise<void> {
  const { files, transcribed } = await loadInfra();
  const used = bodiesOf(files).filter(({ type }) => !(type in transcribed.resources));
  const schema: Schema = { source: sourceOf(azmcp), resources: {}, types: {} };
  for (const type of [...new Set(used.map((one) => one.type))].sort()) addResource(schema, type, print(azmcp, type));
  const pruned = reachable(schema, used);
  const target = fileURLToPath(new URL("../test/infra/schema-azure.json", import.meta.url));
  writeFileSync(target, `${JSON.stringify(pruned, undefined, 2)}\n`);
}

interface Property {
  readonly name: string;
  readonly type: string;
  readonly flags?: string;
}

interface ObjectType {
  readonly $type: string;
  readonly name: string;
  readonly properties?: readonly Property[];
  readonly additionalPropertiesType?: string;
  readonly baseProperties?: readonly Property[];
  readonly elements?: readonly ObjectType[];
  readonly bodyType?: ObjectType;
}

function sourceOf(azmcp: string): string {
  const version = execFileSync(azmcp, ["--version"], { encoding: "utf8" }).trim();
  return `azmcp bicepschema get, ${version}, of the npm package @azure/mcp (MIT, Microsoft); only what infra/ reaches`;
}

function print(azmcp: string, type: string): readonly ObjectType[] {
  const [name = ""] = type.split("@");
  const env = { ...process.env, AZURE_MCP_COLLECT_TELEMETRY: "false", DOTNET_SYSTEM_GLOBALIZATION_INVARIANT: "1" };
  const text = execFileSync(azmcp, ["bicepschema", "get", "--resource-type", name], {
    encoding: "utf8",
    env,
    maxBuffer: 2 ** 26,
  });
  return (JSON.parse(text) as { results: { BicepSchemaResult: ObjectType[] } }).results.BicepSchemaResult;
}

/** Types are named after their resource, because two resources may have two types of one name. */
function addResource(schema: Schema, type: string, printed: readonly ObjectType[]): void {
  const [prefix = ""] = type.split("@");
  const resource = printed.find(({ $type, name }) => $type === "Resource" && name === type);
  if (!resource?.bodyType) throw new Error(`The type data has no ${type}`);
  const known = new Set(printed.filter(({ $type }) => $type.endsWith("Object")).map(({ name }) => name));
  const bodies = resource.bodyType.elements ?? [resource.bodyType];
  schema.resources[type] = bodies.map((body, index) => {
    const name = `${prefix}#${index}`;
    schema.types[name] = propertiesOf(body, prefix, known);
    return name;
  });
  for (const object of printed.filter(({ $type }) => $type === "Object")) {
    schema.types[`${prefix}.${object.name}`] = propertiesOf(object, prefix, known);
  }
}

function propertiesOf(object: ObjectType, prefix: string, known: ReadonlySet<string>): Record<string, string> {
  const qualify = (type: string) => {
    const [, item = "", brackets = ""] = /^(.*?)((?:\[\])*)$/.exec(type) ?? [];
    return known.has(item) ? `${prefix}.${item}${brackets}` : type;
  };
  const listed = (object.properties ?? []).map(({ name, type, flags = "" }) => {
    const mark = flags.includes("ReadOnly") ? "read-only " : flags.includes("Required") ? "required " : "";
    return [name, `${mark}${qualify(type)}`];
  });
  if (object.additionalPropertiesType) listed.push(["*", qualify(object.additionalPropertiesType)]);
  return Object.fromEntries(listed);
}

await main(process.argv[2] ?? "azmcp");
