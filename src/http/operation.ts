import type { ErrorCode } from "../errors.ts";

/** JSON Schema (2020-12), or a schema that turns itself into one, as zod's do: https://standardschema.dev/json-schema */
export type JsonSchema = object;

/**
 * Declaration of an endpoint for `GET /api/openapi.json`: its file exports it as `operation`. The build adds what it knows:
 * methods, route, scopes, failures. Costs a request nothing: the app's bundle leaves it out.
 */
export interface Operation {
  /** A few words without a full stop. */
  readonly summary: string;
  readonly description?: string;
  /** Query parameters by name. */
  readonly query?: Readonly<Record<string, JsonSchema>>;
  /** JSON in the request's body. */
  readonly body?: JsonSchema;
  /** JSON in the body of the answer 200. */
  readonly json?: JsonSchema;
  /** Media type of an answer in bytes that clients may ask for in part, or only when it has changed: `conditionalResponse`. */
  readonly bytes?: string;
  /** Other answers by status: https://spec.openapis.org/oas/v3.1.1.html#response-object */
  readonly responses?: Readonly<Record<number, object>>;
  /** What a failure means here, by code. */
  readonly problems?: Readonly<Partial<Record<ErrorCode, string>>>;
}
