import type { StandardJSONSchemaV1 } from "@standard-schema/spec";
import type { JsonSchema } from "../../src/http/operation.ts";

type Members = Readonly<Record<string, unknown>>;

/** The schemas of a document. A schema whose title can serve as a name is stored once, under that name. */
export class Schemas {
  readonly named: Record<string, unknown>;

  constructor(named: Readonly<Record<string, unknown>>) {
    this.named = { ...named };
  }

  /**
   * Returns the schema, or a reference to it, as it stands in the document.
   *
   * @throws Error for a schema that cannot be expressed as JSON Schema, and for two different schemas with one title
   */
  add(schema: JsonSchema, direction: "input" | "output"): unknown {
    return this.#hoisted(plain(schema, direction));
  }

  #hoisted(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#hoisted(item));
    if (typeof value !== "object" || value === null) return value;
    const members = Object.entries(value).map(([name, member]) => [name, this.#hoisted(member)]);
    const schema: Members = Object.fromEntries(members);
    const { title } = schema;
    if (typeof title !== "string" || typeof schema.type !== "string" || !/^[\w.-]+$/.test(title)) return schema;
    this.named[title] ??= schema;
    if (JSON.stringify(this.named[title]) === JSON.stringify(schema)) return { $ref: `#/components/schemas/${title}` };
    throw new Error(`Two schemas differ and have the title ${title}.`);
  }
}

function plain(schema: JsonSchema, direction: "input" | "output"): unknown {
  if (!("~standard" in schema)) return schema;
  const { jsonSchema } = schema["~standard"] as Partial<StandardJSONSchemaV1.Props>;
  if (!jsonSchema)
    throw new Error("A schema of this library makes no JSON Schema: https://standardschema.dev/json-schema.");
  const { $schema: _, ...made } = jsonSchema[direction]({ target: "draft-2020-12" }) as Members;
  return made;
}
