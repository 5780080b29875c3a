import { randomUUID } from "node:crypto";
import type { Refusal } from "../directory/account.ts";
import { json, type Reply, type RoutedRequest, type RouteHandler } from "../http/router.ts";

/** A refusal of an endpoint, in Entra's terms. */
export class EntraError extends Error {
  override readonly name = "EntraError";
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.text);
    this.refusal = refusal;
  }
}

/** Makes a refusal: the AADSTS number, the OAuth error, what happened, and for MSAL what may help. */
export function entraError(
  number: number,
  error: string,
  text: string,
  suberror?: string,
  claims?: string,
): EntraError {
  return new EntraError({
    ...{ number, error, text },
    ...(suberror !== undefined && { suberror }),
    ...(claims !== undefined && { claims }),
  });
}

/** Makes the refusal of a user whose sessions were revoked; `claims` says since when, for clients that understand it. */
export function revoked(claims?: string): EntraError {
  return new EntraError({
    number: 50173,
    error: "invalid_grant",
    suberror: "bad_token",
    text: "The grant has expired because it was revoked. The user has to sign in again.",
    ...(claims !== undefined && { claims }),
  });
}

/** Makes a handler that answers an EntraError as Entra does, and passes other errors on. */
export function withRefusals(handle: RouteHandler): RouteHandler {
  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof EntraError) return errorReply(error.refusal, correlationIdOf(request));
      throw error;
    }
  };
}

/** Returns the id that the client gave the request, or a new one. */
export function correlationIdOf({ headers, form, url }: RoutedRequest): string {
  const sent =
    headers["client-request-id"] ?? form.get("client-request-id") ?? url.searchParams.get("client-request-id");
  return typeof sent === "string" ? sent : randomUUID();
}

/**
 * Makes the answer to a refusal:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example
 */
export function errorReply(refusal: Refusal, correlationId: string): Reply {
  const { number, error, suberror, claims } = refusal;
  const timestamp = new Date()
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
  const traceId = randomUUID();
  const body = {
    error,
    error_description: `${described(refusal)} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [number],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    error_uri: `https://login.microsoftonline.com/error?code=${number}`,
    ...(suberror !== undefined && { suberror }),
    ...(claims !== undefined && { claims }),
  };
  return json(error === "invalid_client" ? 401 : 400, body, { "x-ms-request-id": traceId });
}

/** Writes a refusal in one line, its number first. */
export function described({ number, text }: Refusal): string {
  return `AADSTS${number}: ${text}`;
}
