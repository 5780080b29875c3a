import type { ErrorCode } from "../../src/errors.ts";
import type { Operation } from "../../src/http/operation.ts";
import { HEADERS, headersNamed, PROBLEM, PROBLEM_RESPONSES, problemResponses } from "./problems.ts";
import { addressesOf } from "./route.ts";
import { Schemas } from "./schemas.ts";

/** A function with an HTTP trigger, as it is registered, and what its file declares. */
export interface Endpoint {
  readonly name: string;
  /** Route with its prefix and without a leading slash: `api/profile`. */
  readonly route: string;
  readonly methods: readonly string[];
  /** Scopes that `asUser` asks for; undefined for other handlers. */
  readonly scopes: readonly string[] | undefined;
  /** Whether Easy Auth lets requests without a token through. */
  readonly isPublic: boolean;
  readonly operation: Operation | undefined;
}

interface Api {
  readonly title: string;
  readonly version: string;
  readonly endpoints: readonly Endpoint[];
}

const DESCRIPTION =
  "Made from what the endpoints declare. Not part of it, and without problem+json: 401 and 403 of Easy Auth in front of this API, " +
  "and what the Functions host itself answers, such as 404 for an unknown route or method.";

const BEARER = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "JWT",
  description:
    "Access token of Microsoft Entra ID for a user and this API: scope `api://<API client id>/user_impersonation`. The frontend's " +
    "server sends it, or a page that signs users in itself.",
};

/** Returns the OpenAPI document (https://spec.openapis.org/oas/v3.1.1.html) of an API. */
export function documentOf({ title, version, endpoints }: Api): object {
  const schemas = new Schemas({ Problem: PROBLEM });
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of endpoints) {
    addressesOf(endpoint.route).forEach(({ path, parameters }, index) => {
      for (const method of [...endpoint.methods].sort()) {
        const operationId = [operationIdOf(endpoint, method), ...(index > 0 ? [index] : [])].join("-");
        const operation = { operationId, ...operationOf(endpoint, method, parameters, schemas) };
        paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
      }
    });
  }
  return {
    openapi: "3.1.1",
    info: { title, version, description: DESCRIPTION },
    servers: [{ url: "/" }],
    security: [{ user: [] }],
    paths: sorted(paths),
    components: {
      securitySchemes: { user: BEARER },
      headers: HEADERS,
      responses: PROBLEM_RESPONSES,
      schemas: sorted(schemas.named),
    },
  };
}

/** Returns the function's name, followed by the method if the function has several besides HEAD. */
function operationIdOf({ name, methods }: Endpoint, method: string): string {
  const [first] = methods.filter((one) => one !== "HEAD");
  return method === (first ?? method) ? name : `${name}-${method.toLowerCase()}`;
}

function operationOf(endpoint: Endpoint, method: string, inPath: readonly object[], schemas: Schemas): object {
  const { summary, description, query = {}, body, bytes } = endpoint.operation ?? { summary: endpoint.name };
  const texts = [
    description,
    endpoint.scopes?.length ? `On behalf of the user: ${endpoint.scopes.join(", ")}.` : undefined,
  ];
  const inQuery = Object.entries(query).map(([name, schema]) => parameterOf(name, schemas.add(schema, "input")));
  const takesBody = body && !["GET", "HEAD", "DELETE"].includes(method);
  const json = takesBody && { "application/json": { schema: schemas.add(body, "input") } };
  return {
    summary,
    description: texts.filter(Boolean).join(" ") || undefined,
    ...(endpoint.isPublic && { security: [] }),
    parameters: [...inPath, ...inQuery, ...(bytes === undefined ? [] : conditionsOf(method))],
    ...(json && { requestBody: { required: true, content: json } }),
    responses: { ...answersOf(endpoint, method, schemas), ...failuresOf(endpoint) },
  };
}

function parameterOf(name: string, schema: unknown): object {
  // The description of a parameter is the parameter's, not its values'.
  const { description, ...values } = schema as { readonly description?: string };
  return { in: "query", name, description, schema: values };
}

function conditionsOf(method: string): readonly object[] {
  const names = ["if-none-match", "if-match", ...(method === "HEAD" ? [] : ["range", "if-range"])];
  return names.map((name) => ({ in: "header", name, schema: { type: "string" } }));
}

/** Returns the Response Objects of an endpoint's answers other than failures. */
function answersOf(
  { operation, scopes }: Endpoint,
  method: string,
  schemas: Schemas,
): Readonly<Record<string, object>> {
  if (!operation) return { default: { description: "Not declared." } };
  const { json, bytes, responses = {} } = operation;
  const ok = (description: string, content: object, ...headers: readonly (keyof typeof HEADERS)[]) => ({
    description,
    headers: headersNamed("x-correlation-id", ...headers),
    ...(method !== "HEAD" && { content }),
  });
  const media = bytes === undefined ? {} : { [bytes]: {} };
  const validators = ["etag", "accept-ranges"] as const;
  const answers = {
    ...(json && { 200: ok("Success", { "application/json": { schema: schemas.add(json, "output") } }) }),
    ...(bytes !== undefined && {
      200: ok("All of it", media, ...validators),
      ...(method !== "HEAD" && { 206: ok("The part that Range asks for", media, ...validators, "content-range") }),
      304: { description: "Not changed", headers: headersNamed("x-correlation-id", "etag") },
    }),
    ...Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [status, declared(status, response, method)]),
    ),
  };
  const isKnown = Object.keys(answers).some((status) => status < "4");
  return isKnown ? answers : { ...answers, "2XX": { description: scopes ? "Success" : "Not declared." } };
}

function declared(status: string, response: object, method: string): object {
  const { content, headers, ...head } = response as { readonly content?: object; readonly headers?: object };
  const location = status.startsWith("3") ? (["location"] as const) : [];
  return {
    ...head,
    headers: { ...headersNamed("x-correlation-id", ...location), ...headers },
    ...(content && method !== "HEAD" && { content }),
  };
}

/**
 * Returns the failures of an endpoint. A handler of `asUser` passes on failures of other services, so it can fail in
 * every way; others fail as they declare, or by a bug.
 */
function failuresOf({ operation, scopes }: Endpoint): Readonly<Record<string, object>> {
  if (!scopes && !operation) return {};
  const words = operation?.problems ?? {};
  return problemResponses(scopes ? undefined : [...(Object.keys(words) as ErrorCode[]), "internal_error"], words);
}

function sorted<T>(members: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1)));
}
