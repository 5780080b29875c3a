import type { HttpRequest } from "@azure/functions";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { AppError } from "../errors.ts";
import { jsonIn } from "../outgoing/json.ts";
import { readUpTo } from "./bounded-body.ts";

const MAX_BYTES = 1_048_576;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const MOST_ISSUES = 5;
const MAX_ISSUE_LENGTH = 200;

/**
 * Reads the JSON that a request carries, at most 1 MiB. With a schema (https://standardschema.dev: zod, valibot and arktype have
 * it), returns what the schema makes of it; without one, does not check what it says.
 *
 * @throws AppError `invalid_request` whose detail says what is wrong: another content type, no JSON, too long, or the schema's
 * own words about each member
 */
export async function jsonBodyOf<Output = unknown>(
  request: HttpRequest,
  schema?: StandardSchemaV1<unknown, Output>,
): Promise<Output> {
  if (!JSON_TYPE.test(request.headers.get("content-type") ?? "")) {
    throw invalid("The body has to be JSON, with Content-Type: application/json.");
  }
  const value = parse(await textOf(request));
  if (!schema) return value as Output;
  const result = await schema["~standard"].validate(value);
  if (result.issues) throw invalid(result.issues.slice(0, MOST_ISSUES).map(sentenceOf).join(" "));
  return result.value;
}

async function textOf({ body, headers }: HttpRequest): Promise<string> {
  const isTooLong = Number(headers.get("content-length") ?? 0) > MAX_BYTES;
  const bytes = isTooLong ? undefined : await readUpTo(MAX_BYTES, (body ?? []) as AsyncIterable<unknown>);
  if (!bytes) throw invalid(`The body has at most ${MAX_BYTES} bytes.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid("The body is not UTF-8.");
  }
}

function parse(text: string): unknown {
  const value = jsonIn(text);
  if (value !== undefined) return value;
  throw invalid(text.trim() === "" ? "The body is empty; it has to be JSON." : "The body is not valid JSON.");
}

/** Writes `items.0.name: Required.` */
function sentenceOf({ path = [], message }: StandardSchemaV1.Issue): string {
  const keys = path.map((segment) => String(typeof segment === "object" ? segment.key : segment));
  const text = `${keys.length > 0 ? `${keys.join(".")}: ` : ""}${message}`.slice(0, MAX_ISSUE_LENGTH);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function invalid(detail: string): AppError {
  return new AppError("invalid_request", { detail });
}
