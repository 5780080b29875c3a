import { KNOWN_CONSTRAINTS, parseConstraint } from "./route-constraints.ts";

/** Function that answers HTTP requests, with its route. */
export interface HostedFunction {
  readonly name: string;
  /** Methods in upper case; empty for every method. */
  readonly methods: readonly string[];
  /** Route with the prefix of host.json, without a slash in front: `api/profile`. */
  readonly route: string;
}

/** Values of the route parameters, as the decoded path has them; a parameter that the path does not give is missing. */
export type RouteParams = Record<string, string>;

export interface RouteMatch<F extends HostedFunction> {
  readonly hosted: F;
  readonly params: RouteParams;
}

interface Parameter {
  readonly name: string;
  readonly isCatchAll: boolean;
  readonly isOptional: boolean;
  readonly constraints: readonly ((value: string) => boolean)[];
  readonly defaultValue: string | undefined;
}

/** Part of a template between two slashes: a literal in lower case, or a parameter. */
type Segment = string | Parameter;

/** `{id}`, `{id?}`, `{id:int:long}`, `{id=5}`, `{*rest}`, `{**rest}` */
const PARAMETER =
  /^\{(?<stars>\*{0,2})(?<name>[^*:=?{}]+)(?<constraints>(:[^:=?{}]+)*)(=(?<fallback>[^?{}]*))?(?<optional>\?)?\}$/;

/**
 * Matches as the real host does: functions in the order of their names, the first whose path and method fit wins (a
 * literal has no precedence over a parameter), letter case is ignored, HEAD and OPTIONS are methods like any other.
 * Throws on a template that it cannot match: another constraint, or a segment that mixes text and a parameter. The path
 * comes decoded and without dot segments, as `readTarget` returns it.
 *
 * Source: WebScriptHostHttpRoutesManager.cs in Azure/azure-functions-host, RoutePatternMatcher.cs in dotnet/aspnetcore.
 */
export function createRouter<F extends HostedFunction>(
  functions: readonly F[],
): (method: string, decodedPath: string) => RouteMatch<F> | undefined {
  const table = orderByName(functions).map((hosted) => ({ hosted, segments: parseTemplate(hosted) }));
  return (method, path) => {
    const values = path.split("/").slice(1);
    for (const { hosted, segments } of table) {
      if (hosted.methods.length > 0 && !hosted.methods.includes(method)) continue;
      const params = matchSegments(segments, values);
      if (params) return { hosted, params };
    }
    return undefined;
  };
}

/** Returns the functions in the order in which their routes are tried. */
export function orderByName<F extends HostedFunction>(functions: readonly F[]): F[] {
  return [...functions].sort((a, b) => (a.name.toUpperCase() < b.name.toUpperCase() ? -1 : 1));
}

function parseTemplate({ name, route }: HostedFunction): Segment[] {
  const fail = (reason: string) => new Error(`The route "${route}" of function "${name}" ${reason}.`);
  const parts = route.split("/");
  if (parts.at(-1) === "") parts.pop();
  return parts.map((part, index) => {
    if (part === "") throw fail("has an empty segment");
    if (!/[{}]/.test(part)) return part.toLowerCase();
    const groups = PARAMETER.exec(part)?.groups;
    if (!groups) throw fail(`has "${part}", which this host cannot match: give a parameter a segment of its own`);
    if (groups.stars && index < parts.length - 1) throw fail(`goes on after the catch-all parameter "${part}"`);
    const constraints = (groups.constraints ?? "").split(":").slice(1);
    return {
      name: groups.name ?? "",
      isCatchAll: groups.stars !== "",
      isOptional: groups.optional === "?",
      constraints: constraints.map((constraint) => {
        const isSatisfied = parseConstraint(constraint);
        if (!isSatisfied)
          throw fail(`has the constraint "${constraint}"; this host knows ${KNOWN_CONSTRAINTS.join(", ")}`);
        return isSatisfied;
      }),
      defaultValue: groups.fallback,
    };
  });
}

function matchSegments(segments: readonly Segment[], values: readonly string[]): RouteParams | undefined {
  const params: RouteParams = {};
  // "/api/profile/" is "/api/profile"; only a catch-all sees the slash at the end
  const count = values.at(-1) === "" ? values.length - 1 : values.length;
  for (const [index, segment] of segments.entries()) {
    const value = index < count ? values[index] : undefined;
    if (value === "") return undefined;
    if (typeof segment === "string") {
      if (value?.toLowerCase() !== segment) return undefined;
      continue;
    }
    const given = segment.isCatchAll && value ? values.slice(index).join("/") : value;
    if (!acceptParameter(segment, given ?? segment.defaultValue, params)) return undefined;
    if (segment.isCatchAll) return params;
  }
  return count > segments.length ? undefined : params;
}

function acceptParameter(parameter: Parameter, value: string | undefined, params: RouteParams): boolean {
  const { name, isCatchAll, isOptional, constraints } = parameter;
  if (value === undefined) return isOptional || (isCatchAll && constraints.length === 0);
  params[name] = value;
  return constraints.every((isSatisfied) => isSatisfied(value));
}
