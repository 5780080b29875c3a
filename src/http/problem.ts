import type { HttpResponseInit } from "@azure/functions";
import type { AppError, ErrorCode } from "../errors.ts";

interface Problem {
  readonly status: number;
  readonly title: string;
  /** Value of `error` in the `Bearer` challenge: https://www.rfc-editor.org/rfc/rfc6750#section-3.1 */
  readonly challenge?: "invalid_token" | "insufficient_scope" | "insufficient_claims";
}

/** Status and title of each code. 401: another sign-in can help. 403: it cannot. */
const PROBLEMS = {
  invalid_request: { status: 400, title: "The request is not valid" },
  not_signed_in: { status: 401, title: "Nobody is signed in" },
  token_expired: { status: 401, title: "The sign-in has expired", challenge: "invalid_token" },
  token_rejected: { status: 401, title: "The access token is not accepted", challenge: "invalid_token" },
  tenant_not_allowed: { status: 403, title: "Your organization does not use this app" },
  claims_challenge: { status: 401, title: "Another sign-in step is needed", challenge: "insufficient_claims" },
  insufficient_scope: { status: 403, title: "The access token lacks a permission", challenge: "insufficient_scope" },
  consent_required: { status: 403, title: "An administrator's consent is missing" },
  blocked_by_policy: { status: 403, title: "Your organization's policy blocks access" },
  user_not_assigned: { status: 403, title: "You are not assigned to this app" },
  downstream_forbidden: { status: 403, title: "You are not allowed to see this" },
  not_found: { status: 404, title: "Not found" },
  conflict: { status: 409, title: "Not possible as things are" },
  precondition_failed: { status: 412, title: "Precondition failed" },
  range_not_satisfiable: { status: 416, title: "Range not satisfiable" },
  downstream_failed: { status: 502, title: "The service behind this API failed" },
  downstream_timeout: { status: 504, title: "The service behind this API took too long" },
  throttled: { status: 503, title: "Too many requests at the moment" },
  overloaded: { status: 503, title: "The service is busy" },
  identity_unavailable: { status: 503, title: "Sign-in is not available at the moment" },
  misconfigured: { status: 500, title: "This API is not set up correctly" },
  internal_error: { status: 500, title: "Something went wrong in this API" },
} as const satisfies Record<ErrorCode, Problem>;

/** Text of each code for the signed-in user, or their frontend: what happened, and what they can do. */
const DETAILS: Readonly<Record<ErrorCode, string>> = {
  invalid_request: "A parameter of the request has a value that this API does not take.",
  not_signed_in: "The request carries no user's access token. Sign in and try again.",
  token_expired: "The access token has expired. Refresh it, or sign in again.",
  token_rejected: "The access token is not a valid token of a user for this API. Sign in again.",
  tenant_not_allowed:
    "Users of the organization you signed in with are not served. Sign in with an account of one that is.",
  claims_challenge:
    "Your organization asks for one more step, such as multifactor authentication. Sign in again to complete it.",
  insufficient_scope:
    "The access token was issued without the scope user_impersonation of this API. Ask for that scope at sign-in.",
  consent_required:
    "You are signed in, but this app has no consent to read from the service on your behalf. Signing in again does not " +
    "help: an administrator of your organization has to grant consent to the app's permissions once.",
  blocked_by_policy:
    "A Conditional Access policy does not allow this sign-in. Your administrator can say what the policy asks for.",
  user_not_assigned: "Your organization lets only assigned users use this app. An administrator can assign you.",
  downstream_forbidden: "The service behind this API refused the request for your account.",
  not_found: "The service behind this API has nothing there for your account.",
  conflict:
    "The service behind this API cannot do this in the state that things are in. Trying again does not change it.",
  precondition_failed: "It has changed in the meantime: a condition of the request, such as If-Match, is not met.",
  range_not_satisfiable: "The part that Range asks for begins after the end.",
  downstream_failed: "The service behind this API gave no usable answer. Try again in a moment.",
  downstream_timeout: "The service behind this API did not answer in time. Try again in a moment.",
  throttled: "A service behind this API asks to wait. Try again after the time in Retry-After.",
  overloaded: "This API has more requests than it can serve at once. Try again after the time in Retry-After.",
  identity_unavailable: "Microsoft Entra ID gave no usable answer. Try again in a moment.",
  misconfigured: "The fault is not yours. Its operator finds what to fix in the log, by the correlation id.",
  internal_error: "The fault is not yours. Its operator finds the details in the log, by the correlation id.",
};

const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** Returns the HTTP status of a failure. */
export function statusOf({ code }: AppError): number {
  return PROBLEMS[code].status;
}

/** Makes the answer to a failure: `application/problem+json` (RFC 9457), with `WWW-Authenticate` on every 401 (RFC 9110, 15.5.2). */
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
