import { isUserProperty } from "./user-properties.ts";

/** The query options of a request for users, checked: https://learn.microsoft.com/graph/query-parameters */
export interface QueryOptions {
  readonly select: readonly string[] | undefined;
  /** Properties of the manager; undefined unless `$expand=manager` is asked for. */
  readonly expandManager: readonly string[] | "default" | undefined;
  readonly top: number | undefined;
  readonly skip: number;
  readonly filter: string | undefined;
  readonly orderBy: string | undefined;
  readonly count: boolean;
}

/** Query options that cannot be answered: because they are wrong, or because they are not emulated. */
export class QueryOptionError extends Error {
  override readonly name = "QueryOptionError";
  readonly kind: "wrong" | "not emulated";

  constructor(kind: "wrong" | "not emulated", message: string) {
    super(message);
    this.kind = kind;
  }
}

const OF_ONE = ["$select", "$expand"];
const OF_LIST = [...OF_ONE, "$top", "$skiptoken", "$filter", "$orderby", "$count"];

/** Reads the query options of a request for one user, or for a list. Throws QueryOptionError. */
export function queryOptionsOf(query: URLSearchParams, of: "one" | "list"): QueryOptions {
  const known = of === "one" ? OF_ONE : OF_LIST;
  const unknown = [...query.keys()].find((name) => name.startsWith("$") && !known.includes(name.toLowerCase()));
  if (unknown !== undefined) throw new QueryOptionError("not emulated", `The query option ${unknown}`);
  const option = (name: string) => [...query].find(([key]) => key.toLowerCase() === name)?.[1];
  const top = option("$top");
  if (top !== undefined && !(Number(top) >= 1 && Number(top) <= 999)) {
    throw new QueryOptionError("wrong", "Invalid page size specified: '$top'. Must be between 1 and 999 inclusive.");
  }
  return {
    select: selectedIn(option("$select")),
    expandManager: managerIn(option("$expand")),
    top: top === undefined ? undefined : Number(top),
    skip: Number(option("$skiptoken") ?? 0),
    filter: option("$filter"),
    orderBy: option("$orderby"),
    count: option("$count") === "true",
  };
}

function selectedIn(select: string | undefined): readonly string[] | undefined {
  const names = select?.split(",").map((name) => name.trim());
  const unknown = names?.find((name) => !isUserProperty(name));
  if (unknown === undefined) return names;
  const text = `Parsing OData Select and Expand failed: Could not find a property named '${unknown}' on type 'microsoft.graph.user'.`;
  throw new QueryOptionError("wrong", text);
}

/** Reads `$expand`: `manager` or `manager($select=…)`, one level deep; other relationships are not emulated. */
function managerIn(expand: string | undefined): QueryOptions["expandManager"] {
  if (expand === undefined) return undefined;
  const [, options] = /^manager(?:\(([^()]*)\))?$/.exec(expand) ?? [undefined, null];
  if (options === null) throw new QueryOptionError("not emulated", `$expand=${expand}`);
  const parts = (options ?? "").split(";").filter((part) => part !== "" && part !== "$levels=1");
  if (parts.length === 0) return "default";
  const select = parts.length === 1 ? /^\$select=(.+)$/.exec(parts[0] ?? "")?.[1] : undefined;
  if (select === undefined) throw new QueryOptionError("not emulated", `$expand=${expand}`);
  return selectedIn(select) ?? "default";
}

/** Reads a `$filter` that compares one property, as `startswith(name,'text')` or `name eq 'text'`. Throws QueryOptionError. */
export function filterOf(filter: string): (values: Readonly<Record<string, unknown>>) => boolean {
  const starts = /^startsWith\((\w+), *'((?:[^']|'')*)'\)$/i.exec(filter);
  const equals = /^(\w+) +eq +(?:'((?:[^']|'')*)'|(true|false|null))$/i.exec(filter);
  const [, name, text, literal] = starts ?? equals ?? [];
  if (name === undefined) throw new QueryOptionError("not emulated", `$filter=${filter}`);
  if (!isUserProperty(name)) {
    throw new QueryOptionError(
      "wrong",
      `Invalid filter clause: Could not find a property named '${name}' on type 'microsoft.graph.user'.`,
    );
  }
  const wanted = text?.replaceAll("''", "'").toLowerCase() ?? (literal === "null" ? "" : (literal ?? ""));
  return (values) => {
    const value = String(values[name] ?? "").toLowerCase();
    return starts ? value.startsWith(wanted) : value === wanted;
  };
}
