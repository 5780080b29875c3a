import { createRequire } from "node:module";
import { Language, type Node, Parser } from "web-tree-sitter";

export type { Node } from "web-tree-sitter";

export interface Parameter {
  readonly name: string;
  /** As written: `string`, `string[]`, `bool`, `int`, `object`. */
  readonly type: string;
  readonly fallback: Node | undefined;
  readonly allowed: readonly string[] | undefined;
  readonly isDescribed: boolean;
}

/** A resource or a module; `type` is `Microsoft.Web/sites@2024-11-01` or a path. */
export interface Declaration {
  readonly name: string;
  readonly type: string;
  readonly body: Node;
  readonly isExisting: boolean;
  readonly node: Node;
}

/** One Bicep file. */
export interface BicepFile {
  readonly path: string;
  readonly text: string;
  readonly root: Node;
  readonly extensions: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly variables: ReadonlyMap<string, Node>;
  readonly resources: readonly Declaration[];
  readonly modules: readonly Declaration[];
  readonly outputs: ReadonlyMap<string, Node>;
}

const require = createRequire(import.meta.url);
let parser: Parser | undefined;

/** Makes `parseBicep` ready: loads the grammar. */
export async function loadBicepParser(): Promise<void> {
  await Parser.init();
  parser = new Parser();
  parser.setLanguage(await Language.load(require.resolve("tree-sitter-bicep/tree-sitter-bicep.wasm")));
}

/** Reads a file's declarations. Faults in the syntax do not throw: see `faultsOf`. */
export function parseBicep(path: string, text: string): BicepFile {
  // The grammar does not know `extension`: blanks keep all positions.
  const extensions = [...text.matchAll(/^extension (\w+)$/gm)].map(([, name = ""]) => name);
  const root = parser?.parse(text.replace(/^extension .*$/gm, (line) => " ".repeat(line.length)))?.rootNode;
  if (!root) throw new Error("Call loadBicepParser first");
  const of = (type: string) => root.namedChildren.filter((node) => node.type === type);
  return {
    path,
    text,
    root,
    extensions,
    parameters: of("parameter_declaration").map(parameterOf),
    variables: new Map(of("variable_declaration").map((node) => [nameOf(node), last(node)])),
    resources: of("resource_declaration").map(declarationOf),
    modules: of("module_declaration").map(declarationOf),
    outputs: new Map(of("output_declaration").map((node) => [nameOf(node), last(node)])),
  };
}

/** Places where the text is no Bicep. */
export function faultsOf({ root }: BicepFile): readonly Node[] {
  if (!root.hasError) return [];
  return descendants(root).filter((node) => node.isError || node.isMissing);
}

export function descendants(node: Node): Node[] {
  return [node, ...node.children.flatMap(descendants)];
}

/** The value at a path in an object, such as `properties.siteConfig.minTlsVersion`. */
export function at(node: Node | undefined, path: string): Node | undefined {
  return path.split(".").reduce((current, key) => current && entriesOf(current).get(key), node);
}

/** As `at`, but the value's text: `'1.2'`, `true`, `[clientId, audience]`. */
export function textAt(node: Node | undefined, path: string): string | undefined {
  return at(node, path)?.text;
}

/** The properties of an object; empty for anything else. */
export function entriesOf(node: Node): ReadonlyMap<string, Node> {
  if (node.type !== "object") return new Map();
  const properties = node.namedChildren.filter(({ type }) => type === "object_property");
  return new Map(properties.map((property) => [unquote(property.namedChildren[0]?.text ?? ""), last(property)]));
}

export function itemsOf(node: Node | undefined): readonly Node[] {
  return node?.type === "array" ? parts(node) : [];
}

/** The text of a string without its quotes; other text as it is. */
export function unquote(text: string): string {
  return text.replace(/^'(.*)'$/s, "$1");
}

/** Children that mean something. */
export function parts(node: Node): Node[] {
  return node.namedChildren.filter(({ type }) => type !== "comment");
}

function last(node: Node): Node {
  return parts(node).at(-1) ?? node;
}

function nameOf(node: Node): string {
  return node.namedChildren[0]?.text ?? "";
}

function declarationOf(node: Node): Declaration {
  const body = last(node);
  return {
    name: nameOf(node),
    type: unquote(node.namedChildren[1]?.text ?? ""),
    // A condition and a loop wrap the body.
    body: body.type === "object" ? body : last(body),
    isExisting: node.children.some(({ type }) => type === "existing"),
    node,
  };
}

function parameterOf(node: Node): Parameter {
  const decorators: Node[] = [];
  for (let before = node.previousNamedSibling; before?.type === "decorators"; before = before.previousNamedSibling) {
    decorators.push(...before.namedChildren);
  }
  const calls = decorators.map((decorator) => decorator.namedChildren[0]);
  const argumentOf = (name: string) =>
    calls.find((call) => call?.namedChildren[0]?.text === name)?.namedChildren[1]?.namedChildren[0];
  const fallback = parts(node)[2];
  return {
    name: nameOf(node),
    type: node.namedChildren[1]?.text ?? "",
    fallback,
    allowed: argumentOf("allowed") && itemsOf(argumentOf("allowed")).map(({ text }) => text),
    isDescribed: argumentOf("description") !== undefined,
  };
}
