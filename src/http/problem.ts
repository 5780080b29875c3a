import type { HttpResponseInit } from "@azure/functions";
import { type AppError, type ErrorCode, PROBLEMS, type Problem } from "../errors.ts";
import details from "./problem-details.json" with { type: "json" };

/** Text of each code for the signed-in user, or their frontend: what happened, and what they can do. */
const DETAILS: Readonly<Record<ErrorCode, string>> = details;

const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** Returns the HTTP status of a failure. */
export function statusOf({ code }: AppError): number {
  return PROBLEMS[code].status;
}

/**
 * Makes the answer to a failure: `application/problem+json` (RFC 9457), with `WWW-Authenticate` on every 401 (RFC 9110,
 * 15.5.2).
 */
export function problemResponse(error: AppError, requestUrl: string, correlationId: string): HttpResponseInit {
  const { status, title, challenge }: Problem = PROBLEMS[error.code];
  const headers: Record<string, string> = {
    ...error.headers,
    "content-type": "application/problem+json",
    "cache-control": "no-store",
  };
  if (status === 401 || challenge) headers["www-authenticate"] = challengeFor(challenge, error);
  const retryAfter = status === 503 ? Math.ceil(error.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS) : undefined;
  if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
  const body = {
    type: new URL(`/api/errors#${error.code}`, requestUrl).href,
    title,
    status,
    detail: error.detail ?? DETAILS[error.code],
    code: error.code,
    correlationId,
    // In the body too: scripts of other origins see no headers, since App Service's CORS exposes none.
    retryAfter,
    claims: error.claims,
    resource: error.resource,
    adminConsentUrl: error.adminConsentUrl,
  };
  return { status, headers, jsonBody: body };
}

/**
 * Makes one `Bearer` challenge, its parameters quoted and separated by commas, so that strict parsers take it. For claims:
 * https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
 */
function challengeFor(challenge: Problem["challenge"], { claims, authorizationUri }: AppError): string {
  const parameters: Record<string, string | undefined> = {
    realm: "",
    authorization_uri: authorizationUri,
    error: challenge,
    scope: challenge === "insufficient_scope" ? "user_impersonation" : undefined,
    claims: claims && Buffer.from(claims).toString("base64"),
  };
  const present = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `Bearer ${present.map(([name, value]) => `${name}="${value}"`).join(", ")}`;
}
