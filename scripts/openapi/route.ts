/** An address of a route, with the parameters in its path. */
export interface Address {
  /** Path in OpenAPI's notation: `/api/orders/{id}`. */
  readonly path: string;
  /** Parameter Objects: https://spec.openapis.org/oas/v3.1.1.html#parameter-object */
  readonly parameters: readonly object[];
}

/**
 * `{id}`, `{id?}`, `{id:int}`, `{id=5}`, `{*rest}`:
 * https://learn.microsoft.com/aspnet/core/fundamentals/routing#route-templates
 */
const PARAMETER = /^\{(?<stars>\*{0,2})(?<name>[^*:=?{}]+)(?<constraints>(:[^:=?{}]+)*)(?<optional>=[^?{}]*|\?)?\}$/;

/** Route constraints that JSON Schema can express. */
const TYPES: Readonly<Record<string, object>> = {
  int: { type: "integer", format: "int32" },
  long: { type: "integer", format: "int64" },
  bool: { type: "boolean" },
  guid: { type: "string", format: "uuid" },
};

/**
 * Returns the addresses of a route with its prefix: two if its last parameter is optional, since OpenAPI has no
 * optional path parameters.
 */
export function addressesOf(route: string): readonly Address[] {
  const segments = route.split("/").filter(Boolean);
  const found = segments.map((segment) => PARAMETER.exec(segment)?.groups);
  const parameters = found.flatMap((groups) => (groups ? [parameterOf(groups)] : []));
  const names = segments.map((segment, index) => (found[index] ? `{${found[index].name}}` : segment));
  const whole = { path: `/${names.join("/")}`, parameters };
  if (found.at(-1)?.optional === undefined) return [whole];
  return [whole, { path: `/${names.slice(0, -1).join("/")}`, parameters: parameters.slice(0, -1) }];
}

function parameterOf({ name, stars, constraints = "" }: Partial<Record<string, string>>): object {
  const schema = constraints
    .split(":")
    .map((constraint) => TYPES[constraint])
    .find(Boolean) ?? { type: "string" };
  const description = "Of several segments: send each slash in it as %2F.";
  return { in: "path", name, required: true, schema, ...(stars && { description }) };
}
