import { type BicepFile, type Declaration, entriesOf, itemsOf, type Node, parts, unquote } from "./bicep.ts";

/**
 * What a deployment may say of resources. A property's type is `string`, `int`, `bool`, `any`, the name of a type, a list of
 * values (`A | B`, open with `| string`), each perhaps with `[]`, and before it perhaps `required` or `read-only`. `*` stands
 * for every other property.
 */
export interface Schema {
  readonly source: string;
  /** By type and version; of several, the one whose `name` fits. */
  readonly resources: Record<string, string[]>;
  readonly types: Record<string, Record<string, string>>;
}

/** A declaration in its file: where names in its expressions come from. */
export interface Body extends Declaration {
  readonly file: BicepFile;
}

/** Belongs to Bicep, not to the resource. */
const OF_BICEP = new Set(["parent", "scope", "dependsOn"]);

type Report = (problem: string, node: Node) => void;

/** Names everything in a resource that its schema does not allow. Expressions that only Azure can evaluate are let through. */
export function checkResource(schema: Schema, body: Body, report: Report): void {
  const variants = schema.resources[body.type];
  const type = variants && variantFor(schema, variants, body);
  if (type) checkObject(schema, type, body.body, body, report, body.isExisting);
  else report(`${body.type} of this name is not in the schema snapshot`, body.node);
}

function variantFor(schema: Schema, variants: readonly string[], { body }: Body): string | undefined {
  if (variants.length === 1) return variants[0];
  const name = unquote(entriesOf(body).get("name")?.text ?? "");
  return variants.find((variant) => schema.types[variant]?.name === `required ${name}`);
}

function checkObject(schema: Schema, type: string, node: Node, body: Body, report: Report, isPartial = false): void {
  const known = schema.types[type] ?? {};
  if (known !== schema.types[type]) report(`the type ${type} is not in the schema snapshot`, node);
  const given = entriesOf(node);
  for (const [name, value] of given) {
    const property = known[name] ?? known["*"];
    if (node === body.body && OF_BICEP.has(name)) continue;
    if (!property) report(`${name} is no property of ${type}`, value);
    else if (property.startsWith("read-only ")) report(`${name} cannot be set`, value);
    else checkValue(schema, property.replace(/^required /, ""), value, body, report);
  }
  for (const [name, property] of Object.entries(known)) {
    if (!isPartial && property.startsWith("required ") && !given.has(name)) report(`${name} is missing`, node);
  }
}

function checkValue(schema: Schema, type: string, node: Node, body: Body, report: Report): void {
  if (type === "any" || node.text === "null") return;
  const resolved = resolve(node, body.file);
  if (resolved !== node) checkValue(schema, type, resolved, body, report);
  else if (node.type === "ternary_expression") {
    for (const branch of parts(node).slice(1)) checkValue(schema, type, branch, body, report);
  } else if (type.endsWith("[]")) {
    if (!["array", undefined].includes(kindOf(node, body.file))) report(`is not a list of ${type}`, node);
    for (const item of itemsOf(node)) checkValue(schema, type.slice(0, -2), item, body, report);
  } else if (schema.types[type] || type.includes("/")) {
    if (node.type === "object") checkObject(schema, type, node, body, report);
    else if (!["object", undefined].includes(kindOf(node, body.file))) report(`is not an object of ${type}`, node);
  } else checkSimple(type, node, body, report);
}

function checkSimple(type: string, node: Node, body: Body, report: Report): void {
  const kind = kindOf(node, body.file);
  const wanted = type === "int" || type === "bool" ? type : "string";
  if (kind !== undefined && kind !== wanted) report(`is ${kind}, not ${wanted}`, node);
  const values = type.split(" | ");
  if (wanted !== "string" || values.includes("string")) return;
  const outside = literalsOf(node, body.file).filter((literal) => !values.includes(literal));
  if (outside.length > 0) report(`${outside.join(", ")} is none of ${type}`, node);
}

/** A variable's own expression; any other expression as it is. */
function resolve(node: Node, file: BicepFile): Node {
  return (node.type === "identifier" && file.variables.get(node.text)) || node;
}

const FUNCTIONS: Record<string, string> = {
  array: "array",
  bool: "bool",
  contains: "bool",
  empty: "bool",
  filter: "array",
  format: "string",
  guid: "string",
  int: "int",
  join: "string",
  length: "int",
  loadTextContent: "string",
  map: "array",
  replace: "string",
  split: "array",
  string: "string",
  subscriptionResourceId: "string",
  toLower: "string",
  uniqueString: "string",
};

/** `string`, `int`, `bool`, `array`, `object`, or undefined where only Azure knows. */
export function kindOf(node: Node, file: BicepFile): string | undefined {
  const parameter = file.parameters.find(({ name }) => node.type === "identifier" && name === node.text);
  if (parameter) return parameter.type.endsWith("[]") ? "array" : parameter.type;
  if (node.type === "call_expression") return FUNCTIONS[node.namedChildren[0]?.text ?? ""];
  if (node.type === "number") return "int";
  if (node.type === "boolean") return "bool";
  if (node.type === "unary_expression" || node.type === "binary_expression") {
    return /^!|[=!]=|&&|\|\||[<>]/.test(node.text) ? "bool" : undefined;
  }
  return ["string", "array", "object"].find((kind) => kind === node.type);
}

/** Texts that an expression can only be, where that is known. */
function literalsOf(node: Node, file: BicepFile): readonly string[] {
  const parameter = file.parameters.find(({ name }) => node.type === "identifier" && name === node.text);
  if (parameter) return (parameter.allowed ?? []).map(unquote);
  return node.type === "string" && !node.text.includes("${") ? [unquote(node.text)] : [];
}

/** The schema without the types that no value in these bodies reaches. */
export function reachable(schema: Schema, bodies: readonly Body[]): Schema {
  const kept: Schema = { source: schema.source, resources: {}, types: {} };
  const keep = (type: string, node: Node, file: BicepFile): void => {
    const [name = ""] = type.replace(/^(required|read-only) /, "").split("[]");
    const known = schema.types[name];
    const value = resolve(node, file);
    if (!known) return;
    if (value.type === "object") kept.types[name] = known;
    for (const [key, entry] of entriesOf(value)) keep(known[key] ?? known["*"] ?? "", entry, file);
    if (value.type !== "object") for (const part of parts(value)) keep(name, part, file);
  };
  for (const body of bodies) {
    const variants = schema.resources[body.type] ?? [];
    const variant = variantFor(schema, variants, body);
    if (!variant) continue;
    kept.resources[body.type] = [...new Set([...(kept.resources[body.type] ?? []), variant])];
    keep(variant, body.body, body.file);
  }
  return kept;
}
