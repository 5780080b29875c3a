import { type BicepFile, descendants, type Node, parts } from "./bicep.ts";

/** Every use of a name: not the names of properties, functions, and what a lambda or a loop names itself. */
export function referencesOf({ root }: Pick<BicepFile, "root">): Node[] {
  const declarations = root.namedChildren.filter(({ type }) => /_declaration$/.test(type));
  return declarations.flatMap((node) =>
    parts(node)
      .slice(1)
      .flatMap((part) => referencesIn(part)),
  );
}

/** As `referencesOf`, in one expression. */
export function referencesIn(node: Node, bound: ReadonlySet<string> = new Set()): Node[] {
  if (node.type === "type" || node.type === "comment") return [];
  if (node.type === "identifier") return bound.has(node.text) ? [] : [node];
  const children = parts(node);
  if (node.type === "object_property")
    return children.slice(children[0]?.type === "identifier" ? 1 : 0).flatMap((one) => referencesIn(one, bound));
  if (node.type === "call_expression") return referencesIn(children[1] ?? node, bound);
  if (node.type === "for_statement") {
    const [item, ...rest] = children;
    return rest.flatMap((one) => referencesIn(one, new Set([...bound, item?.text ?? ""])));
  }
  // The grammar ends a lambda before the operators after it, so its name holds for the arguments it is among.
  const isArguments = node.type === "arguments";
  const lambdas = isArguments ? descendants(node).filter(({ type }) => type === "lambda_expression") : [];
  const inner = new Set([...bound, ...lambdas.map((one) => one.namedChildren[0]?.text ?? "")]);
  return children.flatMap((one) => referencesIn(one, inner));
}
