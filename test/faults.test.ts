import { randomUUID } from "node:crypto";
import type { Fault, FaultRule } from "easy-auth-local";
import { type Account, API, FRONTEND, TENANT_ID } from "easy-auth-local";
import { FAULT_TEXT } from "easy-auth-local/parts";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ErrorCode } from "../src/errors.ts";
import { type Collector, startCollector } from "./support/collector.ts";
import { startLivedTime } from "./support/lived-time.ts";
import { type RecordedRequest, startStack, type TestStack } from "./support/stack.ts";

/** Time-out of one request: long enough for requests that must succeed on a busy machine. */
const BUDGET_MS = 4000;
/** Time that the gate and the proxy may add. */
const SLACK_MS = 500;
/** A request that took longer was kept waiting by the fault. */
const LONG_MS = 1000;
const KEYS = `/${TENANT_ID}/discovery/`;
const DEFAULT_RETRY_AFTER = 5;

const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  invalid_request: 400,
  token_expired: 401,
  token_rejected: 401,
  claims_challenge: 401,
  consent_required: 403,
  blocked_by_policy: 403,
  user_not_assigned: 403,
  downstream_forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  misconfigured: 500,
  downstream_failed: 502,
  identity_unavailable: 503,
  throttled: 503,
  downstream_timeout: 504,
};

const CHALLENGE_ERROR: Readonly<Partial<Record<ErrorCode, string>>> = {
  token_expired: "invalid_token",
  token_rejected: "invalid_token",
  claims_challenge: "insufficient_claims",
};

type Rule = Omit<FaultRule, "account">;
type Told = Rule | readonly Rule[] | (() => Rule);

interface Details {
  /** Seconds; two numbers are the least and the most. */
  readonly retryAfter?: number | readonly [number, number];
  readonly claims?: string;
  /** The user has been served with this token, so that no exchange is needed. */
  readonly servedBefore?: true;
  /** The refusal is remembered for a few seconds: the same token is refused when the fault is over. */
  readonly isRemembered?: true;
  /** The fault applies to everybody. */
  readonly forAll?: true;
  /** Requests to Entra's token endpoint and to Graph for this user, until the answer. */
  readonly asked?: { readonly entra: number; readonly graph: number };
}

type Row = readonly [what: string, told: Told, outcome: ErrorCode | "served", details?: Details];

function entra(fault: Fault, scope: Partial<Rule> = {}): Rule {
  return { service: "entra", fault, ...scope };
}

function graph(fault: Fault, scope: Partial<Rule> = {}): Rule {
  return { service: "graph", fault, ...scope };
}

function refusal(number: number, error: string, suberror?: string, claims?: string): Rule {
  const optional = { ...(suberror !== undefined && { suberror }), ...(claims !== undefined && { claims }) };
  return entra({ kind: "entraError", number, error, ...optional });
}

function graphError(status: number, code: string, headers: Record<string, string> = {}): Rule {
  return graph({ kind: "graphError", status, code, headers });
}

/** Makes a rule for Graph's refusals such as 429, which have a body. */
function graphStatus(status: number, retryAfter?: string): Rule {
  return graphError(status, "someCode", { ...(retryAfter !== undefined && { "retry-after": retryAfter }) });
}

/** OneDrive has been seen to send this. */
const AN_ERROR = { error: { code: "accessDenied", message: FAULT_TEXT, innerError: null } };
const MFA = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
const REVOKED = '{"access_token":{"nbf":{"essential":true,"value":"1763800000"}}}';
const GRAPH_CHALLENGE = `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${base64(REVOKED)}"`;
/** Graph has been seen to send this: https://learn.microsoft.com/entra/identity-platform/claims-challenge */
const UNQUOTED_CHALLENGE = `Bearer authorization_uri=https://login.microsoftonline.com/common/oauth2/authorize, errorDescription="Continuous access evaluation resulted in challenge", error=insufficient_claims, claims=${base64(REVOKED)}`;

function challenged(header: string, status = 401): Rule {
  return graphError(status, "InvalidAuthenticationToken", { "www-authenticate": header });
}

const ENTRA_REFUSES: readonly Row[] = [
  [
    "no consent",
    refusal(65001, "invalid_grant", "consent_required"),
    "consent_required",
    { asked: { entra: 1, graph: 0 } },
  ],
  ["no consent, without a suberror", refusal(65001, "invalid_grant"), "consent_required"],
  ["consent declined", refusal(65004, "access_denied"), "consent_required"],
  ["an administrator's consent needed", refusal(90094, "invalid_grant"), "consent_required"],
  ["consent asked of the administrator", refusal(90095, "interaction_required"), "consent_required"],
  ["consent, told by the suberror alone", refusal(16000, "invalid_grant", "consent_required"), "consent_required"],
  ["consent, told by the error alone", refusal(16000, "consent_required"), "consent_required"],
  ["an expired assertion", refusal(500133, "invalid_grant"), "token_expired"],
  ["the assertion not accepted", refusal(50013, "invalid_grant"), "token_rejected"],
  ["the assertion for another audience", refusal(500131, "invalid_grant"), "token_rejected"],
  ["the sign-in revoked", refusal(50173, "bad_token"), "token_rejected"],
  ["interaction without claims", refusal(50076, "interaction_required"), "token_rejected"],
  [
    "multifactor authentication",
    refusal(50076, "interaction_required", "basic_action", MFA),
    "claims_challenge",
    { claims: MFA, asked: { entra: 1, graph: 0 } },
  ],
  [
    "multifactor enrolment",
    refusal(50079, "invalid_grant", "additional_action", MFA),
    "claims_challenge",
    { claims: MFA },
  ],
  ["an external control", refusal(50158, "interaction_required", undefined, MFA), "claims_challenge", { claims: MFA }],
  [
    "claims, with a number nobody knows",
    refusal(99999, "invalid_grant", undefined, MFA),
    "claims_challenge",
    { claims: MFA },
  ],
  ["a block by Conditional Access", refusal(53003, "access_denied", "message_only"), "blocked_by_policy"],
  ["a block that comes with claims", refusal(53003, "invalid_grant", "message_only", MFA), "blocked_by_policy"],
  [
    "a device that is not compliant, whose claim comes with the next sign-in",
    refusal(53000, "interaction_required", undefined, MFA),
    "claims_challenge",
    { claims: MFA },
  ],
  [
    "a device that is not joined",
    refusal(53001, "interaction_required", undefined, MFA),
    "claims_challenge",
    { claims: MFA },
  ],
  ["an app that is not approved", refusal(53002, "interaction_required"), "blocked_by_policy"],
  ["no way to set multifactor authentication up", refusal(53010, "invalid_grant"), "blocked_by_policy"],
  ["access between tenants that is not allowed", refusal(500212, "interaction_required"), "blocked_by_policy"],
  ["a device that is not compliant", refusal(53000, "interaction_required"), "blocked_by_policy"],
  ["a block by security policy", refusal(530032, "invalid_grant"), "blocked_by_policy"],
  ["an account that is disabled", refusal(50057, "invalid_grant"), "blocked_by_policy"],
  ["a block, told by the suberror alone", refusal(99999, "invalid_grant", "message_only"), "blocked_by_policy"],
  ["a user who is not assigned", refusal(50105, "invalid_grant"), "user_not_assigned"],
  ["a user who is not assigned, by error", refusal(50105, "interaction_required"), "user_not_assigned"],
  ["a user whom the tenant does not know", refusal(50020, "interaction_required"), "user_not_assigned"],
  ["a guest who has not accepted the invitation", refusal(500571, "invalid_grant"), "user_not_assigned"],
  ["a wrong secret", refusal(7000215, "invalid_client"), "misconfigured"],
  ["an expired secret", refusal(7000222, "invalid_client"), "misconfigured"],
  ["an unknown application", refusal(700016, "unauthorized_client"), "misconfigured"],
  ["an invalid scope", refusal(70011, "invalid_scope"), "misconfigured"],
  ["an unknown resource", refusal(500011, "invalid_resource"), "misconfigured"],
  ["an app that may not act on behalf of users", refusal(7000114, "invalid_grant"), "misconfigured"],
  ["an ID token as assertion", refusal(240002, "invalid_grant"), "misconfigured"],
  [
    "throttling, by number",
    refusal(90055, "invalid_request"),
    "throttled",
    { isRemembered: true, asked: { entra: 1, graph: 0 } },
  ],
  ["a loop", refusal(50196, "invalid_grant"), "throttled", { isRemembered: true }],
  ["a transient error", refusal(90033, "temporarily_unavailable"), "identity_unavailable"],
  ["a transient error, by number", refusal(90006, "server_error"), "identity_unavailable"],
  ["an error nobody knows", refusal(99999, "never_heard_of"), "identity_unavailable"],
];

const ENTRA_FAILS: readonly Row[] = [
  ["slow", entra({ kind: "slow", delayMs: 200 }), "served", { asked: { entra: 1, graph: 1 } }],
  ["slower than an exchange may be", entra({ kind: "slow", delayMs: 30_000 }), "identity_unavailable"],
  ["hanging", entra({ kind: "hang" }), "identity_unavailable", { asked: { entra: 1, graph: 0 } }],
  [
    "hanging, when the user has been served",
    entra({ kind: "hang" }),
    "served",
    { servedBefore: true, asked: { entra: 0, graph: 1 } },
  ],
  ["closing the connection", entra({ kind: "close" }), "identity_unavailable", { asked: { entra: 2, graph: 0 } }],
  ["closing the connection once", entra({ kind: "close" }, { times: 1 }), "served", { asked: { entra: 2, graph: 1 } }],
  ["closing the connection midway", entra({ kind: "closeMidway" }), "identity_unavailable"],
  ["closing the connection midway, once", entra({ kind: "closeMidway" }, { times: 1 }), "served"],
  [
    "answering 400 and nothing else",
    entra({ kind: "status", status: 400 }),
    "identity_unavailable",
    { asked: { entra: 1, graph: 0 } },
  ],
  ["answering 500", entra({ kind: "status", status: 500 }), "identity_unavailable", { asked: { entra: 2, graph: 0 } }],
  [
    "answering 500 once",
    entra({ kind: "status", status: 500 }, { times: 1 }),
    "served",
    { asked: { entra: 2, graph: 1 } },
  ],
  ["answering 500 and {}", entra({ kind: "status", status: 500, body: {} }), "identity_unavailable"],
  ["answering 200 and {}", entra({ kind: "status", status: 200, body: {} }), "identity_unavailable"],
  ["answering 200 and null", entra({ kind: "status", status: 200, body: null }), "identity_unavailable"],
  ["answering 200 and nothing", entra({ kind: "status", status: 200 }), "identity_unavailable"],
  ["answering 502", entra({ kind: "status", status: 502 }), "identity_unavailable"],
  [
    "answering 503 with words for an error",
    entra({ kind: "status", status: 503, body: { error: FAULT_TEXT } }),
    "identity_unavailable",
  ],
  [
    "answering 503 with Retry-After",
    entra({ kind: "status", status: 503, retryAfter: 7 }),
    "identity_unavailable",
    { retryAfter: 7 },
  ],
  ["answering 504", entra({ kind: "status", status: 504 }), "identity_unavailable"],
  [
    "sending truncated JSON",
    entra({ kind: "truncatedJson" }),
    "identity_unavailable",
    { asked: { entra: 1, graph: 0 } },
  ],
  ["sending HTML as a success", entra({ kind: "html" }), "identity_unavailable"],
  ["sending HTML with 502", entra({ kind: "html", status: 502 }), "identity_unavailable"],
  ["issuing an empty token", entra({ kind: "emptyToken" }), "identity_unavailable", { asked: { entra: 1, graph: 0 } }],
  ["issuing no token", entra({ kind: "emptyToken", missing: true }), "identity_unavailable"],
  ["naming its JSON text/plain", entra({ kind: "wrongContentType" }), "served"],
  ["not naming its JSON", entra({ kind: "wrongContentType", contentType: "" }), "served"],
  [
    "redirecting",
    () => entra({ kind: "redirect", location: `${stack.graphUrl}/stolen` }),
    "identity_unavailable",
    { asked: { entra: 1, graph: 0 } },
  ],
  ["sending a huge body", entra({ kind: "hugeBody" }), "identity_unavailable"],
  ["hanging at its keys, which were read before", entra({ kind: "hang" }, { path: KEYS }), "served", { forAll: true }],
];

const GRAPH_FAILS: readonly Row[] = [
  ["slow", graph({ kind: "slow", delayMs: 200 }), "served", { asked: { entra: 1, graph: 1 } }],
  ["slower than a request may be", graph({ kind: "slow", delayMs: 30_000 }), "downstream_timeout"],
  ["hanging", graph({ kind: "hang" }), "downstream_timeout", { asked: { entra: 1, graph: 1 } }],
  ["closing the connection", graph({ kind: "close" }), "downstream_failed", { asked: { entra: 1, graph: 3 } }],
  ["closing the connection once", graph({ kind: "close" }, { times: 1 }), "served", { asked: { entra: 1, graph: 2 } }],
  ["closing the connection midway", graph({ kind: "closeMidway" }), "downstream_failed"],
  ["sending truncated JSON", graph({ kind: "truncatedJson" }), "downstream_failed"],
  ["sending HTML as a success", graph({ kind: "html" }), "downstream_failed"],
  ["sending HTML with 502", graph({ kind: "html", status: 502 }), "downstream_failed"],
  ["naming its JSON text/plain", graph({ kind: "wrongContentType" }), "downstream_failed"],
  ["not naming its JSON", graph({ kind: "wrongContentType", contentType: "" }), "downstream_failed"],
  [
    "redirecting",
    () => graph({ kind: "redirect", location: `${stack.graphUrl}/stolen` }),
    "downstream_failed",
    { asked: { entra: 1, graph: 1 } },
  ],
  ["sending a huge body", graph({ kind: "hugeBody" }), "downstream_failed"],
  ["answering 200 and nothing", graph({ kind: "status", status: 200 }), "downstream_failed"],
  ["answering 204", graph({ kind: "status", status: 204 }), "downstream_failed"],
  ["answering 200 and a list", graph({ kind: "status", status: 200, body: [FAULT_TEXT] }), "downstream_failed"],
  ["answering 200 and null", graph({ kind: "status", status: 200, body: null }), "downstream_failed"],
  ["sending gzip", graph({ kind: "compressed" }), "served", { asked: { entra: 1, graph: 1 } }],
  ["sending brotli", graph({ kind: "compressed", coding: "br" }), "served"],
  [
    "closing the connection midway, once",
    graph({ kind: "closeMidway" }, { times: 1 }),
    "served",
    { asked: { entra: 1, graph: 2 } },
  ],
  [
    "redirecting within itself",
    graph({ kind: "redirect", location: "https://graph.microsoft.com/v1.0/me" }, { times: 1 }),
    "served",
    { asked: { entra: 1, graph: 2 } },
  ],
  [
    "redirecting to itself for ever",
    graph({ kind: "redirect", location: "https://graph.microsoft.com/v1.0/me" }),
    "downstream_failed",
    { asked: { entra: 1, graph: 4 } },
  ],
  ["answering 200 and an error", graph({ kind: "status", status: 200, body: AN_ERROR }), "downstream_failed"],
  [
    "answering 500 and an error without innerError",
    graph({ kind: "status", status: 500, body: AN_ERROR }),
    "downstream_failed",
  ],
  [
    "answering 503 and an error without innerError",
    graph({ kind: "status", status: 503, retryAfter: 30, body: AN_ERROR }),
    "throttled",
    { retryAfter: 30 },
  ],
  [
    "answering 403 and an error of OAuth",
    graph({ kind: "status", status: 403, body: { error: FAULT_TEXT } }),
    "downstream_forbidden",
  ],
  ["answering 409", graphError(409, "nameAlreadyExists"), "conflict"],
  ["answering 410", graphError(410, "resyncRequired"), "not_found"],
  ["answering 412", graphError(412, "preconditionFailed"), "precondition_failed"],
  ["answering 422", graphError(422, "unprocessable"), "invalid_request"],
  ["answering 423", graphError(423, "resourceLocked"), "downstream_failed"],
  ["answering 428", graphError(428, "preconditionRequired"), "precondition_failed"],
  ["answering 400 for want of a mailbox", graphError(400, "ErrorInvalidUser"), "not_found"],
  [
    "asking for claims as Microsoft.Identity.Web does",
    challenged(
      `Bearer consentUri="https://login.microsoftonline.com/", claims="${REVOKED}", proposedAction="consent"`,
      403,
    ),
    "claims_challenge",
    { claims: REVOKED, asked: { entra: 2, graph: 2 } },
  ],
  ["answering 400", graphError(400, "Request_BadRequest"), "invalid_request"],
  [
    "answering 401",
    graphError(401, "InvalidAuthenticationToken"),
    "downstream_failed",
    { asked: { entra: 2, graph: 2 } },
  ],
  [
    "answering 401 once",
    { ...graphError(401, "InvalidAuthenticationToken"), times: 1 },
    "served",
    { asked: { entra: 2, graph: 2 } },
  ],
  ["answering 401 and nothing else", graph({ kind: "status", status: 401 }), "downstream_failed"],
  [
    "asking for claims",
    challenged(GRAPH_CHALLENGE),
    "claims_challenge",
    { claims: REVOKED, asked: { entra: 2, graph: 2 } },
  ],
  ["asking for claims, unquoted", challenged(UNQUOTED_CHALLENGE), "claims_challenge", { claims: REVOKED }],
  [
    "asking for claims that a new token has",
    { ...challenged(GRAPH_CHALLENGE), times: 1 },
    "served",
    { asked: { entra: 2, graph: 2 } },
  ],
  [
    "asking for claims with 403",
    challenged(GRAPH_CHALLENGE, 403),
    "claims_challenge",
    { claims: REVOKED, asked: { entra: 2, graph: 2 } },
  ],
  [
    "asking for claims with 403 that a new token has",
    { ...challenged(GRAPH_CHALLENGE, 403), times: 1 },
    "served",
    { asked: { entra: 2, graph: 2 } },
  ],
  [
    "answering 403 with a challenge that asks for no claims",
    challenged('Bearer error="insufficient_scope"', 403),
    "downstream_forbidden",
    { asked: { entra: 1, graph: 1 } },
  ],
  [
    "asking for claims, then hanging",
    [{ ...challenged(GRAPH_CHALLENGE), times: 1 }, graph({ kind: "hang" })],
    "downstream_timeout",
  ],
  [
    "answering 403",
    graphError(403, "Authorization_RequestDenied"),
    "downstream_forbidden",
    { asked: { entra: 1, graph: 1 } },
  ],
  ["answering 403 and nothing else", graph({ kind: "status", status: 403 }), "downstream_forbidden"],
  ["answering 404", graphError(404, "Request_ResourceNotFound"), "not_found"],
  ["answering 429", graphStatus(429), "throttled", { asked: { entra: 1, graph: 3 } }],
  ["answering 429 once", { ...graphStatus(429), times: 1 }, "served", { asked: { entra: 1, graph: 2 } }],
  ["answering 429 with Retry-After", graphStatus(429, "1"), "throttled", { retryAfter: 1 }],
  [
    "answering 429 with a long Retry-After",
    graphStatus(429, "120"),
    "throttled",
    { retryAfter: 120, asked: { entra: 1, graph: 1 } },
  ],
  [
    "answering 429 with a date",
    () => graphStatus(429, new Date(Date.now() + 300_000).toUTCString()),
    "throttled",
    { retryAfter: [200, 300] },
  ],
  ["answering 429 with a year", graphStatus(429, "31536000"), "throttled", { retryAfter: 86_400 }],
  ["answering 429 with a date that is over", graphStatus(429, "Thu, 01 Jan 1970 00:00:00 GMT"), "throttled"],
  ["answering 429 with a Retry-After nobody knows", graphStatus(429, "soon"), "throttled"],
  ["answering 500", graphError(500, "generalException"), "downstream_failed", { asked: { entra: 1, graph: 1 } }],
  ["answering 500 with Retry-After", graphStatus(500, "30"), "downstream_failed"],
  ["answering 500 with words for a code", graphError(500, FAULT_TEXT), "downstream_failed"],
  ["answering 502", graphError(502, "badGateway"), "downstream_failed"],
  ["answering 503", graphError(503, "serviceNotAvailable"), "throttled", { asked: { entra: 1, graph: 3 } }],
  ["answering 503 with Retry-After", graphStatus(503, "9"), "throttled", { retryAfter: 9 }],
  ["answering 503 and nothing else", graph({ kind: "status", status: 503 }), "throttled"],
  ["answering 504", graphError(504, "gatewayTimeout"), "downstream_timeout"],
  ["answering 504 with Retry-After", graphStatus(504, "30"), "downstream_timeout"],
  ["answering 509", graphError(509, "bandwidthLimitExceeded"), "downstream_failed"],
];

/** The user has a token, Graph revokes it, and the new exchange meets a fault of its own. */
const REVOKED_THEN: readonly Row[] = [
  [
    "Entra asks for another step",
    [challenged(GRAPH_CHALLENGE), refusal(50076, "interaction_required", undefined, MFA)],
    "claims_challenge",
    { servedBefore: true, claims: MFA },
  ],
  [
    "Entra says the sign-in is revoked",
    [challenged(GRAPH_CHALLENGE), refusal(50173, "invalid_grant")],
    "token_rejected",
    { servedBefore: true },
  ],
  [
    "Entra hangs",
    [challenged(GRAPH_CHALLENGE), entra({ kind: "hang" })],
    "identity_unavailable",
    { servedBefore: true },
  ],
];

/**
 * Faults while the keys were never read, so that nobody can be verified. Hanging comes last, since all readers share
 * one reading.
 */
const KEYS_FAIL: readonly (readonly [what: string, fault: Fault | (() => Fault)])[] = [
  ["closing the connection", { kind: "close" }],
  ["closing the connection midway", { kind: "closeMidway" }],
  ["answering 500", { kind: "status", status: 500 }],
  ["answering 429", { kind: "status", status: 429 }],
  ["sending truncated JSON", { kind: "truncatedJson" }],
  ["sending HTML", { kind: "html" }],
  ["sending JSON that is no key set", { kind: "status", status: 200, body: {} }],
  ["redirecting", () => ({ kind: "redirect", location: `${stack.graphUrl}/stolen` })],
  ["hanging", { kind: "hang" }],
];

const WALKED = [...ENTRA_REFUSES, ...ENTRA_FAILS, ...GRAPH_FAILS, ...REVOKED_THEN];

function person(key: string, name: string): Account {
  const profile = { displayName: name, userPrincipalName: `${key}@contoso.example` };
  return { key, objectId: randomUUID(), shows: "A test.", consentToGraph: true, profile };
}

/** Accounts that meet the faults, a fresh one for each row. */
const accounts = Array.from({ length: WALKED.length + KEYS_FAIL.length + 20 }, (_, index) =>
  person(`unlucky-${index}`, `Zenobia ${index}`),
);
const unlucky = [...accounts];
const BYSTANDER = person("bystander", "Balthasar");

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** Measured by `lived`. */
  readonly tookMs: number;
}

let collector: Collector;
let stack: TestStack;
let bystanderToken: string;
const lived = startLivedTime();
/** Arguments of console calls, which bypass the log. */
const printed: unknown[][] = [];
const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);

beforeAll(async () => {
  process.on("unhandledRejection", onUnhandled);
  for (const method of ["debug", "error", "info", "log", "trace", "warn"] as const) {
    vi.spyOn(console, method).mockImplementation((...values) => printed.push(values));
  }
  collector = await startCollector();
  stack = await startStack({
    accounts: [...accounts, BYSTANDER],
    settings: {
      REQUEST_TIMEOUT_MS: String(BUDGET_MS),
      EXCHANGE_CONCURRENCY: "4",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: "always_on",
    },
  });
  bystanderToken = await apiToken(BYSTANDER);
});
afterAll(async () => {
  await stack.close();
  await collector.close();
  lived.stop();
  vi.restoreAllMocks();
  process.off("unhandledRejection", onUnhandled);
});

function nextUnlucky(): Account {
  const next = unlucky.pop();
  if (!next) throw new Error("More accounts are needed.");
  return next;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

function apiToken(account: Account): Promise<string> {
  return stack.token(account.key);
}

async function ask(token: string, origin = stack.apiUrl): Promise<Answer> {
  const begun = lived.now();
  const response = await fetch(`${origin}/api/profile`, { headers: { authorization: `Bearer ${token}` } });
  const { status, headers } = response;
  return { status, headers, body: await response.text(), tookMs: lived.now() - begun };
}

/** Adds the fault, for one account or for everybody; returns a function that ends it. */
function tell(told: Told, account: string | undefined): () => void {
  const rules = typeof told === "function" ? [told()] : [told].flat();
  const undo = rules.map((rule) => stack.faults.add(account === undefined ? rule : { ...rule, account }));
  return () => {
    for (const end of undo) end();
  };
}

function expectServed(answer: Answer, { objectId, profile }: Account): void {
  expect(answer.status, answer.body).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("private, no-store");
  expect(answer.headers.get("content-type")).toBe("application/json");
  expect(JSON.parse(answer.body)).toEqual({
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
    ...{ businessPhones: null, displayName: profile.displayName, givenName: null, jobTitle: null, mail: null },
    ...{ mobilePhone: null, officeLocation: null, preferredLanguage: null, surname: null },
    ...{ userPrincipalName: profile.userPrincipalName, id: objectId },
  });
}

const ALLOWED_HEADERS = new Set([
  ...["cache-control", "connection", "content-length", "content-type", "date", "keep-alive", "retry-after"],
  ...["transfer-encoding", "www-authenticate", "x-content-type-options", "x-correlation-id"],
]);

function expectProblem({ status, headers, body }: Answer, code: ErrorCode, origin = stack.apiUrl): void {
  expect({ status, code: (JSON.parse(body) as { code: string }).code }).toEqual({ status: STATUS[code], code });
  expect(headers.get("content-type")).toBe("application/problem+json");
  expect(headers.get("cache-control")).toBe("no-store");
  expect([...headers.keys()].filter((name) => !ALLOWED_HEADERS.has(name))).toEqual([]);
  expect(headers.has("www-authenticate")).toBe(status === 401);
  expect(headers.has("retry-after")).toBe(status === 503);
  const adminConsentUrl = `https://login.microsoftonline.com/${TENANT_ID}/adminconsent?client_id=${API.clientId}`;
  expect(JSON.parse(body)).toEqual({
    type: `${origin}/api/errors#${code}`,
    title: expect.stringMatching(/^[A-Z]/),
    status,
    detail: expect.stringMatching(/^[A-Z].*\.$/),
    code,
    correlationId: headers.get("x-correlation-id"),
    ...(status === 503 && { retryAfter: Number(headers.get("retry-after")) }),
    ...(code === "claims_challenge" && { claims: expect.stringMatching(/^\{/) }),
    ...(code === "consent_required" && { adminConsentUrl, resource: "https://graph.microsoft.com" }),
  });
}

/** Expects one challenge by RFC 9110, 11.6.1, as strict parsers read it: parameters quoted and separated by commas. */
function expectChallenge({ headers, body }: Answer, code: ErrorCode, claims: string | undefined): void {
  expect((JSON.parse(body) as { claims?: string }).claims).toBe(claims);
  const challenge = headers.get("www-authenticate") ?? "";
  expect(challenge).toMatch(/^Bearer [a-z_]+="[^"\\]*"(, [a-z_]+="[^"\\]*")*$/);
  const parameters = Object.fromEntries(
    [...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  expect(parameters).toEqual({
    realm: "",
    authorization_uri: `https://login.microsoftonline.com/${TENANT_ID}/oauth2/v2.0/authorize`,
    error: CHALLENGE_ERROR[code],
    ...(claims !== undefined && { claims: base64(claims) }),
  });
}

function expectRetryAfter({ headers }: Answer, expected: Details["retryAfter"] = DEFAULT_RETRY_AFTER): void {
  const retryAfter = headers.get("retry-after") ?? "";
  expect(retryAfter).toMatch(/^\d+$/);
  const [least = 0, most = least] = [expected].flat();
  expect(Number(retryAfter)).toBeGreaterThanOrEqual(least);
  expect(Number(retryAfter)).toBeLessThanOrEqual(most);
}

/** Counts the requests that Entra and Graph have answered so far, to tell what a request adds. */
function mark(): number {
  return stack.requests.length;
}

function askedSince(since: number, token: string, { objectId }: Account): NonNullable<Details["asked"]> {
  const sent = stack.requests.slice(since);
  const isForToken = ({ body }: RecordedRequest) => (body as { assertion?: string } | undefined)?.assertion === token;
  const isForAccount = ({ service, headers }: RecordedRequest) =>
    service === "graph" && decodeJwt(headers.authorization ?? "").oid === objectId;
  return { entra: sent.filter(isForToken).length, graph: sent.filter(isForAccount).length };
}

/** Returns everybody's tokens since that count. */
function tokensSince(since: number): readonly string[] {
  const sent = stack.requests
    .slice(since)
    .map(
      ({ service, headers, answer }) => (service === "graph" ? headers.authorization : JSON.stringify(answer)) ?? "",
    );
  return sent.flatMap((text) => text.match(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g) ?? []);
}

/** Returns the log lines about the request that got this answer. */
function logOf({ headers }: Answer): readonly string[] {
  const correlationId = headers.get("x-correlation-id") ?? "none";
  const { invocationId } = stack.logs.find(({ message }) => message.includes(correlationId)) ?? {};
  expect(invocationId).toBeDefined();
  return stack.logs.filter((log) => log.invocationId === invocationId).map(({ message }) => message);
}

/** Returns the parts of a text that only Entra, Graph and the user's own sign-in may know. */
function leaksIn(text: string, tokens: readonly string[], people: readonly Account[]): readonly string[] {
  // Compares parts of tokens, since a fault may have cut one in two.
  const parts = new Set(tokens.flatMap((token) => token.split(".").slice(1)).map((part) => part.slice(0, 60)));
  // Few words are as long as the shortest part: searching only those takes much less time.
  const shortest = Math.min(...[...parts].map(({ length }) => length));
  const words = (parts.size === 0 ? [] : text.match(new RegExp(`[\\w-]{${shortest},}`, "g"))) ?? [];
  const forbidden = [
    ...people.flatMap(({ objectId, profile }) => [objectId, profile.userPrincipalName, profile.displayName]),
    ...[API.clientSecrets[0], FRONTEND.clientSecrets[0], FAULT_TEXT, "<html", "padding", "Trace ID", "/stolen"],
  ];
  const patterns = [/AADSTS\d+:/, /localhost:\d+\/v1/];
  return [
    ...[...parts].filter((part) => words.some((word) => word.includes(part))),
    ...forbidden.filter((part) => part !== "" && text.includes(part)),
    ...patterns.flatMap((pattern) => pattern.exec(text) ?? []),
  ];
}

/** Expects one log line about the failure, with the correlation id that the client got. */
function expectLoggedOnce(answer: Answer, code: ErrorCode): void {
  const correlationId = answer.headers.get("x-correlation-id");
  const lines = logOf(answer).filter((message) => message.startsWith("{"));
  expect(lines.map((message) => JSON.parse(message))).toEqual([
    expect.objectContaining({ code, status: answer.status, correlationId }),
  ]);
}

/** Expects that the same user is served after the fault: at once, or after another sign-in if the answer asked for one. */
async function expectServedAgain(account: Account, token: string, outcome: Row[2], details: Details): Promise<void> {
  const isOver =
    !details.isRemembered && (outcome === "served" || (STATUS[outcome] ?? 0) >= 500 || outcome === "invalid_request");
  expectServed(await ask(isOver ? token : await apiToken(account)), account);
}

async function walk([, told, outcome, details = {}]: Row): Promise<void> {
  const account = nextUnlucky();
  const token = await apiToken(account);
  // This user is verified, and needs an exchange.
  const newcomerToken = await apiToken(BYSTANDER);
  if (details.servedBefore) expectServed(await ask(token), account);
  expectServed(await ask(bystanderToken), BYSTANDER);

  const since = mark();
  const end = tell(told, details.forAll ? undefined : account.key);
  const asking = [ask(token), ask(bystanderToken), ask(newcomerToken)] as const;
  const [answer, ...others] = await Promise.all(asking).finally(end);
  if (details.asked) expect(askedSince(since, token, account)).toEqual(details.asked);
  expect(answer.tookMs).toBeLessThan(BUDGET_MS + SLACK_MS);
  for (const other of others) {
    expectServed(other, BYSTANDER);
    if (answer.tookMs > LONG_MS) expect(other.tookMs).toBeLessThan(answer.tookMs);
  }
  if (outcome === "served") expectServed(answer, account);
  else expectFailure(answer, outcome, { ...details, account, token, since });
  await expectServedAgain(account, token, outcome, details);
}

interface Failure extends Details {
  readonly account: Account;
  readonly token: string;
  readonly since: number;
  readonly origin?: string;
}

function expectFailure(answer: Answer, code: ErrorCode, failure: Failure): void {
  const { account, token, since, origin, claims, retryAfter } = failure;
  expectProblem(answer, code, origin);
  if (answer.status === 401) expectChallenge(answer, code, claims);
  if (answer.status === 503) expectRetryAfter(answer, retryAfter);
  const said = { body: answer.body, headers: JSON.stringify([...answer.headers]), log: logOf(answer).join("\n") };
  const tokens = [token, ...tokensSince(since)];
  for (const [where, text] of Object.entries(said)) expect(leaksIn(text, tokens, [account]), where).toEqual([]);
  expect(said.body + said.log, "anything like a token").not.toContain("eyJ");
  expectLoggedOnce(answer, code);
}

describe("GET /api/profile, before Entra's keys were ever read,", () => {
  for (const [what, told] of KEYS_FAIL) {
    test(`is answered identity_unavailable while the keys' endpoint is ${what}`, async () => {
      const [account, since] = [nextUnlucky(), mark()];
      const token = await apiToken(account);
      const end = tell(entra(typeof told === "function" ? told() : told, { path: KEYS }), undefined);
      // The gate is bypassed: it needs the keys as well, and would refuse first.
      const origin = stack.functions.url;
      const answer = await ask(token, origin).finally(end);
      expect(answer.tookMs).toBeLessThan(BUDGET_MS + SLACK_MS);
      expectFailure(answer, "identity_unavailable", { account, token, since, origin });
    });
  }

  test("serves users as soon as the keys can be read", async () => {
    const token = await apiToken(BYSTANDER);
    await vi.waitFor(async () => expectServed(await ask(token), BYSTANDER), { timeout: 15_000, interval: 100 });
  });
});

function answered([, , outcome]: Row): string {
  return outcome === "served" ? "is served" : `is answered ${outcome}`;
}

describe("GET /api/profile", () => {
  for (const row of ENTRA_REFUSES) test(`${answered(row)} when Entra's reason is ${row[0]}`, () => walk(row));
  for (const row of ENTRA_FAILS) test(`${answered(row)} while Entra is ${row[0]}`, () => walk(row));
  for (const row of REVOKED_THEN) test(`${answered(row)} when Graph revokes the token, and ${row[0]}`, () => walk(row));
});

// These tests keep no exchange waiting, so they can run at once.
describe.concurrent("GET /api/profile", () => {
  for (const row of GRAPH_FAILS) test(`${answered(row)} while Graph is ${row[0]}`, () => walk(row));
});

test("with more users than concurrent exchanges, some wait, others get 503, and users with a cached token are served", async () => {
  // 4 exchanges run at a time, and 10 times as many wait.
  const [accepted, refused] = [44, 6];
  expectServed(await ask(bystanderToken), BYSTANDER);
  const account = nextUnlucky();
  const tokens = await Promise.all(Array.from({ length: accepted + refused }, () => apiToken(account)));
  tell(entra({ kind: "hang" }), account.key);
  const early: Answer[] = [];
  const asking = tokens.map(async (token) => {
    const answer = await ask(token);
    early.push(answer);
    return answer;
  });
  await vi.waitFor(() => expect(early).toHaveLength(refused), { timeout: BUDGET_MS });
  for (const answer of early) {
    expect(JSON.parse(answer.body)).toMatchObject({ status: 503, code: "overloaded" });
    expectRetryAfter(answer, 1);
  }
  expectServed(await ask(bystanderToken), BYSTANDER);
  stack.faults.clear();
  const answers = await Promise.all(asking);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(accepted);
});

test("while Entra hangs, users who have left the queue for an exchange cost no request to Entra", async () => {
  const [account, since] = [nextUnlucky(), mark()];
  const tokens = await Promise.all(Array.from({ length: 40 }, () => apiToken(account)));
  const end = tell(entra({ kind: "hang" }), account.key);
  const answers = await Promise.all(tokens.map((token) => ask(token)));
  for (const { status } of answers) expect([503, 504]).toContain(status);
  // This request comes after all others.
  const newcomer = nextUnlucky();
  const served = async () => expectServed(await ask(await apiToken(newcomer)), newcomer);
  await vi.waitFor(served, { timeout: 10_000, interval: 100 }).finally(end);
  const asked = tokens.filter((token) => askedSince(since, token, account)?.entra !== 0);
  // 4 exchanges run at a time, each for less than half of a request's time.
  expect(asked.length).toBeGreaterThan(0);
  expect(asked.length).toBeLessThan(30);
});

test("40 requests of a user whom Graph always challenges cost two exchanges, one after the other or at once", async () => {
  const [account, since] = [nextUnlucky(), mark()];
  const token = await apiToken(account);
  const end = tell(challenged(GRAPH_CHALLENGE), account.key);
  const answers = [await ask(token), await ask(token)];
  answers.push(...(await Promise.all(Array.from({ length: 38 }, () => ask(token)))));
  end();
  for (const answer of answers) expectProblem(answer, "claims_challenge");
  expect(askedSince(since, token, account).entra).toBe(2);
  expectServed(await ask(token), account);
});

/** Pauses apply to a user, and to a tenant once three of its users are throttled. */
describe.each([
  ["with Retry-After", 30],
  ["without Retry-After", undefined],
])("while Entra answers 429 %s", (_, retryAfter) => {
  test("the user is throttled, and after three users of a tenant all who need an exchange, until the pause ends", async () => {
    const throttle = async () => {
      const [account, since] = [nextUnlucky(), mark()];
      const token = await apiToken(account);
      const fault: Fault = { kind: "status", status: 429, ...(retryAfter !== undefined && { retryAfter }) };
      const end = tell(entra(fault), account.key);
      const [answer, bystander] = await Promise.all([ask(token), ask(bystanderToken)]).finally(end);
      expectServed(bystander, BYSTANDER);
      expectFailure(answer, "throttled", { account, token, since, ...(retryAfter !== undefined && { retryAfter }) });
      expectProblem(await ask(await apiToken(account)), "throttled");
    };
    await throttle();
    await throttle();
    expectServed(await ask(await apiToken(BYSTANDER)), BYSTANDER);
    await throttle();

    const newcomerToken = await apiToken(BYSTANDER);
    const sinceThrottled = mark();
    const newcomer = await ask(newcomerToken);
    expectProblem(newcomer, "throttled");
    expectRetryAfter(newcomer, [1, retryAfter ?? DEFAULT_RETRY_AFTER]);
    expect(askedSince(sinceThrottled, newcomerToken, BYSTANDER).entra, "Entra is left alone").toBe(0);
    expectServed(await ask(bystanderToken), BYSTANDER);
    stack.clock.advance(retryAfter ?? DEFAULT_RETRY_AFTER);
    expectServed(await ask(newcomerToken), BYSTANDER);
  });
});

describe("after all these faults, the app", () => {
  test("waits for no request that a fault kept waiting", async () => {
    await vi.waitFor(() => expect(stack.faults.held).toBe(0), 10_000);
  });

  test("follows no redirect", () => {
    expect(stack.graphRequests.filter(({ url }) => url.pathname === "/stolen")).toEqual([]);
  });

  test("keeps tokens, claims and others' text out of the whole log", () => {
    const log = stack.logs.map(({ message }) => message).join("\n");
    const everyone = [...accounts, BYSTANDER];
    expect(leaksIn(log, tokensSince(0), everyone)).toEqual([]);
    expect(/(?<=(.{20}))eyJ/.exec(log)).toBeNull();
  });

  test("prints nothing outside of the log", () => {
    expect(printed).toEqual([]);
  });

  test("serves a new user", async () => {
    const account = nextUnlucky();
    expectServed(await ask(await apiToken(account)), account);
  });

  test("leaves no unhandled rejection", () => {
    expect(unhandled).toEqual([]);
  });

  test("has exported telemetry that is complete and holds no token or claim", async () => {
    await stack.close();
    const codes = new Set(
      collector.spans.flatMap(({ attributes }) => attributes.map(({ value }) => value.stringValue)),
    );
    for (const code of Object.keys(STATUS)) expect(codes).toContain(code);
    const exported = collector.received.map(({ body }) => body).join("\n");
    const everyone = [...accounts, BYSTANDER];
    expect(leaksIn(exported, tokensSince(0), everyone)).toEqual([]);
    expect(/(?<=(.{20}))eyJ/.exec(exported)).toBeNull();
  });

  test("has answered every code that a fault can lead to", () => {
    const walked = new Set(WALKED.map(([, , outcome]) => outcome).filter((outcome) => outcome !== "served"));
    expect([...walked].sort()).toEqual(Object.keys(STATUS).sort());
  });
});
