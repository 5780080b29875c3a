import { randomUUID } from "node:crypto";
import { json, type Reply, type RoutedRequest } from "../router.ts";

/** A refusal of the token endpoint, in Entra's terms. */
export class EntraError extends Error {
  override readonly name = "EntraError";
  readonly number: number;
  readonly error: string;
  readonly suberror: string | undefined;
  /** What another sign-in has to satisfy: the JSON of a claims request. */
  readonly claims: string | undefined;

  /** @param number the AADSTS number; @param error the OAuth error; @param text what happened, in the emulator's words */
  constructor(number: number, error: string, text: string, suberror?: string, claims?: string) {
    super(text);
    this.number = number;
    this.error = error;
    this.suberror = suberror;
    this.claims = claims;
  }
}

/** The id that the caller gave the request, or a new one. */
export function correlationIdOf({ headers, form, url }: RoutedRequest): string {
  const sent =
    headers["client-request-id"] ?? form.get("client-request-id") ?? url.searchParams.get("client-request-id");
  return typeof sent === "string" ? sent : randomUUID();
}

/** The error's answer: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example */
export function errorReply(error: EntraError, correlationId: string, now: number): Reply {
  const timestamp = new Date(now)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const traceId = randomUUID();
  const description = `AADSTS${error.number}: ${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
  const body = {
    error: error.error,
    error_description: description,
    error_codes: [error.number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${error.number}`,
    ...(error.suberror !== undefined && { suberror: error.suberror }),
    ...(error.claims !== undefined && { claims: error.claims }),
  };
  return json(error.error === "invalid_client" ? 401 : 400, body, { "x-ms-request-id": traceId });
}
