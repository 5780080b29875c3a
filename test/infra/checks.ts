import { at, entriesOf, textAt, unquote } from "./bicep.ts";
import { bodiesOf, type Infra } from "./infra.ts";
import type { Body } from "./schema.ts";
import { problem, type Rule } from "./structure-rules.ts";

/** Resources of a type, whatever its version. */
export function ofType(infra: Infra, type: string): Body[] {
  return bodiesOf(infra.files).filter((body) => body.type.split("@")[0] === type && !body.isExisting);
}

export function nameOf({ body }: Body): string {
  return unquote(textAt(body, "name") ?? "");
}

export function sitesOf(infra: Infra): Body[] {
  return ofType(infra, "Microsoft.Web/sites");
}

/** Sites on Flex Consumption: the API. */
export function flexOf(infra: Infra): Body[] {
  return sitesOf(infra).filter(({ body }) => at(body, "properties.functionAppConfig"));
}

/** The value at a path has to be one of these, as written. */
export function must(find: (infra: Infra) => readonly Body[], path: string, ...allowed: readonly string[]): Rule {
  return (infra) => find(infra).flatMap((body) => not(body, path, ...allowed));
}

export function not(body: Body | undefined, path: string, ...allowed: readonly string[]): string[] {
  if (!body) return [`nothing has ${path}`];
  const text = textAt(body.body, path);
  return text !== undefined && allowed.includes(text)
    ? []
    : [problem(body.file, at(body.body, path) ?? body.node, `${path} is ${text}, not ${allowed.join(" or ")}`)];
}

export function absent(body: Body, path: string): string[] {
  return at(body.body, path) ? [] : [problem(body.file, body.node, `${path} is missing`)];
}

export function present(body: Body | undefined, path: string, names: readonly string[]): string[] {
  if (!body) return [`nothing has ${path}`];
  const object = path === "" ? body.body : at(body.body, path);
  const given = object ? entriesOf(object) : new Map();
  return names.filter((name) => given.has(name)).map((name) => problem(body.file, body.node, `${name} is not allowed`));
}
