import type { paths } from "./api.d.ts";
import type { CallOptions, FetchAsUser } from "./fetch-as-user.ts";

type Operations<Item> = {
  [Method in keyof Item & string as Item[Method] extends Answered ? Uppercase<Method> : never]: Item[Method];
};
interface Answered {
  readonly responses: unknown;
}

/** JSON in the body of an operation's success. */
type Json<Operation> = Operation extends { readonly responses: infer Responses }
  ? Responses[keyof Responses & (200 | 201 | 202)] extends {
      readonly content: { readonly "application/json": infer Body };
    }
    ? Body
    : unknown
  : never;

/** Parameters and body that an operation accepts. */
type Sent<Operation> = PartOf<Operation, "query"> &
  PartOf<Operation, "path"> &
  (Operation extends { readonly requestBody: { readonly content: { readonly "application/json": infer Body } } }
    ? { readonly json: Body }
    : unknown);
type PartOf<Operation, Part extends string> = Operation extends {
  readonly parameters: { readonly [P in Part]: infer Values };
}
  ? { readonly [P in Part]: Values }
  : Operation extends { readonly parameters: { readonly [P in Part]?: infer Values } }
    ? { readonly [P in Part]?: Values }
    : unknown;

/** A successful response with typed JSON. The type is not checked at run time. */
export type TypedResponse<Body> = Omit<Response, "json"> & { json(): Promise<Body> };

type Options<Operation> = Omit<CallOptions, "method" | "body"> & Sent<Operation>;
type Arguments<Operation> =
  object extends Sent<Operation> ? [options?: Options<Operation>] : [options: Options<Operation>];

/** Calls the API. The compiler checks methods, paths, parameters and answers against `Paths`. */
export type CallApi<Paths> = <Path extends keyof Paths, Method extends keyof Operations<Paths[Path]>>(
  method: Method,
  path: Path,
  ...options: Arguments<Operations<Paths[Path]>[Method]>
) => Promise<TypedResponse<Json<Operations<Paths[Path]>[Method]>>>;

interface AnyOptions extends CallOptions {
  readonly query?: Readonly<Record<string, unknown>>;
  readonly path?: Readonly<Record<string, unknown>>;
  readonly json?: unknown;
}

/**
 * Makes a typed form of `fetchAsUser` with the same behaviour and errors. Values in a path are encoded, slashes too.
 * Throws TypeError for values that would lead to another path: empty, `.` and `..`.
 */
export function createCallApi<Paths = paths>(fetchAsUser: FetchAsUser): CallApi<Paths> {
  const call = async (
    method: string,
    path: string,
    { query = {}, path: names = {}, json, ...options }: AnyOptions = {},
  ) => {
    const search = new URLSearchParams(definedIn(query)).toString();
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segmentOf(String(names[name])));
    const headers = new Headers(options.headers);
    if (json !== undefined) headers.set("content-type", "application/json");
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    return fetchAsUser(`${filled}${search && `?${search}`}` as `/${string}`, { ...options, method, headers, ...body });
  };
  return call as CallApi<Paths>;
}

function segmentOf(value: string): string {
  // The encoding leaves dots as they are, and the browser resolves them.
  if (/^\.{0,2}$/.test(value)) throw new TypeError(`"${value}" in a path would lead to another address.`);
  return encodeURIComponent(value);
}

function definedIn(query: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
}
