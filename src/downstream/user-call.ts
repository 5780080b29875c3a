import type { Readable } from "node:stream";
import { AppError } from "../errors.ts";
import { backoffMs, withRetries } from "../outgoing/retry.ts";
import {
  type OutgoingAnswer,
  type OutgoingRequest,
  readBody,
  retryAfterOf,
  send,
  unreachable,
} from "../outgoing/send.ts";
import { withSpan } from "../telemetry/telemetry.ts";
import type { SignedInUser } from "../user.ts";
import { isConsentMissing, type TokenRefusal, tokenRefusalIn } from "./claims-challenge.ts";
import { decodedAnswer } from "./decoded-answer.ts";
import { redirectIn } from "./redirect.ts";
import { type CallBody, NO_BODY, type SentBody, sentBodyOf } from "./sent-body.ts";

/** A service that takes access tokens of Entra. */
export interface Service {
  /** Name in logs and spans, such as `Graph`. */
  readonly name: string;
  /** Origin, such as `https://graph.microsoft.com`; tokens for the service are sent nowhere else. */
  readonly origin: string;
  /** Resource of its tokens, as the endpoint's scopes name it. */
  readonly resource: string;
  /** Whether it may redirect a GET to another host, which gets no token: files of Microsoft 365 are at hosts of their own. */
  readonly mayLeadElsewhere?: boolean;
}

export interface UserCall {
  /** Path below the service's origin, or an address there. */
  readonly url: string;
  readonly method: string;
  /** The handler's own headers. `Authorization`, `client-request-id` and `Host` are replaced. */
  readonly headers?: ConstructorParameters<typeof Headers>[0];
  readonly body?: CallBody;
}

export interface ServiceAnswer {
  readonly status: number;
  /** Headers by name in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body as a stream, decoded, not bounded in bytes. Has to be read or destroyed, or its connection stays busy. */
  readonly body: Readable;
  /**
   * Reads the whole body. A GET whose body breaks off is made once more. Throws when that does not help, or when it is longer
   * than `maxBytes`, 8 MiB by default.
   */
  bytes(maxBytes?: number): Promise<Buffer>;
}

const MAX_ANSWER_BYTES = 8 * 1_048_576;
const MAX_RETRIES = 2;
const MAX_REDIRECTS = 3;
const FIRST_DELAY_MS = 200;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 503, 504]);
const RETRIED_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Calls a service as the user, within the request's time. When the service refuses the token, gets a new one with the claims
 * that it asks for, and repeats the call if its body can be sent again. A GET or HEAD without an answer, or answered 429, 503 or
 * 504, is retried twice; `Retry-After` is obeyed when it fits into the request's time. Follows three redirects of a GET or HEAD
 * within the origin, and elsewhere, without the token, if the service may lead there. Every other status is an answer.
 *
 * @throws AppError `claims_challenge` when the service asks for claims that only another sign-in brings, `internal_error` for
 * an address elsewhere or a body of no known kind, `invalid_request` for a path with a segment that is `.` or `..` (nothing is
 * sent), `consent_required` when the service itself lacks consent, `downstream_failed` or `downstream_timeout` without an answer,
 * or what the exchange throws
 */
export async function callAs(user: SignedInUser, service: Service, call: UserCall): Promise<ServiceAnswer> {
  const sent = call.body === undefined ? NO_BODY : await sentBodyOf(call.body);
  const request = requestOf(call, sent, service, user);
  const made = () => withSpan({ name: service.name }, () => followed(request, service, user));
  try {
    return serviceAnswer(await made(), request, made);
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(error, user.deadline.signal);
  }
}

/** Form of the segments `.` and `..`, which `encodeURIComponent` leaves as they are. */
const DOT_SEGMENT = /[\\/](?:\.|%2e){1,2}(?=[\\/]|$)/i;

/**
 * Refuses an address outside the service: it may have come from somewhere else, and the token would go along. Refuses dot
 * segments too: an id such as `..`, made up by a caller, would lead to another resource than the endpoint meant.
 */
function urlWithin({ origin }: Service, address: string): URL {
  if (DOT_SEGMENT.test(address.replace(/[?#].*/s, "")))
    throw new AppError("invalid_request", { hint: "The path of a call as the user has a segment that is . or .." });
  const url = URL.canParse(address, origin) ? new URL(address, origin) : undefined;
  if (url?.protocol === "https:" && (url.origin === origin || url.origin === new URL(origin).origin)) return url;
  throw new AppError("internal_error", { hint: `A call as the user leads away from ${origin}; it got no token.` });
}

async function followed(first: OutgoingRequest, service: Service, user: SignedInUser): Promise<OutgoingAnswer> {
  let answer = await answerTo(first, service, user);
  let request = first;
  for (let redirects = 0; redirects < MAX_REDIRECTS; redirects += 1) {
    const next = redirectIn(request, answer, service.mayLeadElsewhere ?? false);
    if (!next) break;
    await answer.body.dump();
    const isAtService = next.url.origin === new URL(service.origin).origin && "client-request-id" in next.headers;
    request = next;
    answer = isAtService ? await answerTo(next, service, user) : await sendWithRetries(next, user);
  }
  return answer;
}

async function answerTo(request: OutgoingRequest, service: Service, user: SignedInUser): Promise<OutgoingAnswer> {
  const { resource } = service;
  const ask = async (claims?: string) => {
    const headers = { ...request.headers, authorization: `Bearer ${await user.accessToken(resource, claims)}` };
    const asked = await sendWithRetries({ ...request, headers }, user);
    if (!isConsentMissing(asked)) return asked;
    await asked.body.dump();
    // The service itself lacks consent to call others as the user. The address that it gives for that is not shown.
    throw new AppError("consent_required", { resource, hint: `${service.name} says that it lacks consent itself.` });
  };
  const answer = await ask();
  const refusal = tokenRefusalIn(answer);
  if (!refusal) return answer;
  user.forgetAccessToken(resource);
  // A stream cannot be sent again.
  if (typeof request.body === "object" && !(request.body instanceof Uint8Array))
    return unlessChallenged(answer, refusal, user, service);
  await answer.body.dump();
  const secondAnswer = await ask(refusal.claims);
  const secondRefusal = tokenRefusalIn(secondAnswer);
  if (!secondRefusal) return secondAnswer;
  user.forgetAccessToken(resource);
  return unlessChallenged(secondAnswer, secondRefusal, user, service);
}

/** Returns the answer unless it asks for claims: only another sign-in can bring them. */
async function unlessChallenged(
  answer: OutgoingAnswer,
  { claims }: TokenRefusal,
  { links }: SignedInUser,
  { name }: Service,
): Promise<OutgoingAnswer> {
  if (claims === undefined) return answer;
  await answer.body.dump();
  const hint = `${name} asks for claims that the token did not have.`;
  throw new AppError("claims_challenge", { hint, claims, authorizationUri: links.authorizationUri });
}

/** Makes the request without its token. */
function requestOf(
  call: UserCall,
  { body, contentType }: SentBody,
  service: Service,
  { correlationId, deadline }: SignedInUser,
): OutgoingRequest {
  const headers = headersOf(call);
  if (contentType !== null) headers["content-type"] ??= contentType;
  delete headers.authorization;
  // Another Host would name another service behind the same address.
  delete headers.host;
  headers["client-request-id"] = correlationId;
  const url = urlWithin(service, call.url);
  return { method: call.method, body, url, headers, signal: deadline.signal };
}

function headersOf({ headers }: UserCall): Record<string, string> {
  try {
    return headers === undefined ? {} : Object.fromEntries(new Headers(headers));
  } catch (cause) {
    throw new AppError("internal_error", { hint: "A header of a call as the user is not valid.", cause });
  }
}

function sendWithRetries(request: OutgoingRequest, { deadline }: SignedInUser): Promise<OutgoingAnswer> {
  const maxRetries = RETRIED_METHODS.has(request.method) ? MAX_RETRIES : 0;
  const delayBeforeRetry = (outcome: PromiseSettledResult<OutgoingAnswer>, retries: number) => {
    if (outcome.status === "fulfilled" && !RETRIED_STATUSES.has(outcome.value.statusCode)) return undefined;
    if (retries === maxRetries || deadline.signal.aborted) return undefined;
    const delayMs = backoffMs(FIRST_DELAY_MS, retries);
    if (outcome.status === "rejected") return delayMs;
    const { headers, body } = outcome.value;
    const retryAfterSeconds = retryAfterOf(headers["retry-after"]);
    const wantedMs = retryAfterSeconds === undefined ? delayMs : retryAfterSeconds * 1000;
    if (wantedMs >= deadline.timeLeft()) return undefined;
    // An unread body keeps its connection busy.
    return body.dump().then(() => wantedMs);
  };
  return withRetries(() => send(request), delayBeforeRetry, deadline.signal);
}

function serviceAnswer(
  answer: OutgoingAnswer,
  { method, signal }: OutgoingRequest,
  askAgain: () => Promise<OutgoingAnswer>,
): ServiceAnswer {
  const { body, headers } = method === "HEAD" ? answer : decodedAnswer(answer);
  const bytes = async (maxBytes = MAX_ANSWER_BYTES) => {
    try {
      return await readBody({ body }, maxBytes);
    } catch (error) {
      if (!RETRIED_METHODS.has(method) || signal.aborted || error instanceof RangeError) throw error;
      const again = await askAgain();
      if (again.statusCode === answer.statusCode) return readBody(decodedAnswer(again), maxBytes);
      await again.body.dump();
      throw error;
    }
  };
  return { status: answer.statusCode, headers, body, bytes };
}
