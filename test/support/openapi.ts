import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { readDocument } from "../../scripts/openapi/read-document.ts";

type Members = Readonly<Record<string, unknown>>;

/** The parts of an OpenAPI document that tests read. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Members>> };
}

export interface OpenApiOperation {
  readonly summary?: string;
  readonly description?: string;
  readonly security?: readonly Members[];
  readonly parameters: readonly { readonly in: string; readonly name: string; readonly schema: Members }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Members }>> };
  readonly responses: Readonly<Record<string, Members>>;
}

/** An answer as a client reads it. */
export interface ReadAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Returns the document of this repository's API. */
export async function ownDocument(): Promise<OpenApiDocument> {
  return JSON.parse(await readDocument(ROOT));
}

/**
 * Makes a function that checks answers against a document. It reports a status, media type or header that the document
 * lacks, a body that does not match, and a member that no schema names, unless the answer is open.
 */
export function answerCheck(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document, "openapi");
  ajv.addSchema(closed(document), "closed");
  const at = (pointer: readonly string[], from: unknown = document): Members | undefined => {
    const found = pointer.reduce<unknown>((value, key) => (value as Members | undefined)?.[key], from) as Members;
    const { $ref } = (found ?? {}) as { readonly $ref?: string };
    return $ref === undefined ? found : at($ref.slice(2).split("/"));
  };
  const errorsOf = (value: unknown, schema: object, where: string): readonly string[] => {
    const validate = ajv.compile(schema);
    validate(value);
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  };

  return (method: string, path: string, { status, headers, text }: ReadAnswer, isOpen = false): readonly string[] => {
    const response = at(["paths", path, method.toLowerCase(), "responses", String(status)]);
    if (!response) return [`${method} ${path} does not have status ${status}`];
    const wrong: string[] = [];
    for (const name of Object.keys((response.headers ?? {}) as Members)) {
      const { required, schema } = at(["headers", name], response) as { required?: boolean; schema: Members };
      const value = headers.get(name);
      if (value === null && required) wrong.push(`${name} is missing`);
      if (value !== null) wrong.push(...errorsOf(schema.type === "integer" ? Number(value) : value, schema, name));
    }
    const content = (response.content ?? {}) as Readonly<Record<string, { readonly schema?: object }>>;
    const type = headers.get("content-type")?.split(";")[0] ?? "";
    const media = Object.keys(content).find((range) => matches(type, range));
    if (method === "HEAD" || Object.keys(content).length === 0) return wrong.concat(text === "" ? [] : ["a body came"]);
    if (media === undefined) return [...wrong, `${type} is none of ${Object.keys(content).join()}`];
    const { schema } = content[media] ?? {};
    if (!schema) return wrong;
    return [...wrong, ...errorsOf(JSON.parse(text), referring(schema, isOpen ? "openapi" : "closed"), "body")];
  };
}

/** Returns whether a media type is in a range such as `image/*`. */
function matches(type: string, range: string): boolean {
  const [wanted, given] = [range.split("/"), type.split("/")];
  return wanted.every((part, index) => part === "*" || part === given[index]);
}

/** Returns a response's schema on its own, with references into a document of that name. */
function referring(schema: object, document: string): object {
  const text = JSON.stringify(schema).replaceAll('"#/', `"${document}#/`);
  return { ...JSON.parse(text), ...(document === "closed" && { unevaluatedProperties: false }) };
}

/**
 * Returns the document with schemas that forbid members which they do not name, except failures, which are closed where
 * they are used.
 */
function closed(document: OpenApiDocument): object {
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== "object" || value === null) return value;
    const members = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, close(member)]));
    const isObject = members.type === "object" && typeof members.properties === "object";
    return isObject && members.title !== "Problem" ? { ...members, unevaluatedProperties: false } : members;
  };
  const schemas = Object.fromEntries(
    Object.entries(document.components.schemas).map(([name, one]) => [name, close(one)]),
  );
  return { ...document, components: { ...document.components, schemas } };
}
