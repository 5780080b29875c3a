import { AppError } from "../errors.ts";
import { backoffMs, type Outcome, withRetries } from "../outgoing/retry.ts";
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
import { type TokenRefusal, tokenRefusalIn } from "./claims-challenge.ts";

/** A service that takes access tokens of Entra. */
export interface Service {
  /** Name in logs and spans, such as `Graph`. */
  readonly name: string;
  /** The only place its tokens are sent to: `https://graph.microsoft.com`. */
  readonly origin: string;
  /** Resource of its tokens, as the endpoint's scopes name it. */
  readonly resource: string;
}

type HeadersInit = ConstructorParameters<typeof Headers>[0];

export interface UserCall {
  /** Path below the service's origin, or an address there. */
  readonly url: string;
  readonly method: string;
  /** The handler's own headers. `Authorization`, `client-request-id` and `Host` are replaced. */
  readonly headers?: HeadersInit | undefined;
  readonly body?: OutgoingRequest["body"];
}

export interface ServiceAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body as a stream, not bounded in bytes. Has to be read or dumped, or its connection stays busy. */
  readonly body: OutgoingAnswer["body"];
  /** Reads the whole body. Throws when it breaks off or is longer than 8 MiB. */
  bytes(): Promise<Buffer>;
}

const MAX_ANSWER_BYTES = 8 * 1_048_576;
const MAX_RETRIES = 2;
const FIRST_DELAY_MS = 200;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 503, 504]);
const RETRIED_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * Calls a service as the user, within the request's time. A refused token is dropped, exchanged once more with the claims the
 * service asks for, and the call repeated when its body can be. A GET or HEAD without an answer, or answered 429, 503 or 504,
 * is retried twice; `Retry-After` is obeyed when it fits into the request's time. Follows no redirect. Every other status is an
 * answer.
 *
 * @throws AppError `claims_challenge` when the service asks for claims that only another sign-in brings, `internal_error` for
 * an address elsewhere (nothing is sent), `downstream_failed` or `downstream_timeout` without an answer, or what the exchange throws
 */
export async function callAs(user: SignedInUser, service: Service, call: UserCall): Promise<ServiceAnswer> {
  const request = requestOf(call, service, user);
  try {
    return serviceAnswer(await withSpan({ name: service.name }, () => answerTo(request, service, user)));
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(error, user.deadline.signal);
  }
}

/** Refuses an address outside the service: it may have come from somewhere else, and the token would go along. */
function urlWithin({ origin }: Service, address: string): string {
  const url = URL.canParse(address, origin) ? new URL(address, origin) : undefined;
  if (url?.protocol === "https:" && url.origin === new URL(origin).origin) return url.href;
  throw new AppError("internal_error", { hint: `A call as the user leads away from ${origin}; it got no token.` });
}

async function answerTo(request: OutgoingRequest, service: Service, user: SignedInUser): Promise<OutgoingAnswer> {
  const { resource } = service;
  const answer = await sendWithRetries(withToken(request, await user.accessToken(resource)), user);
  const refusal = tokenRefusalIn(answer);
  if (!refusal) return answer;
  user.forgetAccessToken(resource);
  if (!isRepeatable(request)) return unlessChallenged(answer, refusal, user, service);
  await answer.body.dump();
  const newToken = await user.accessToken(resource, refusal.claims);
  const secondAnswer = await sendWithRetries(withToken(request, newToken), user);
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

/** Whether the body can be sent again: a stream cannot. */
function isRepeatable({ body }: OutgoingRequest): boolean {
  return body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array;
}

/** Makes the request without its token. */
function requestOf(call: UserCall, service: Service, { correlationId, deadline }: SignedInUser): OutgoingRequest {
  const headers = headersOf(call);
  headers.delete("authorization");
  // Another Host would name another service behind the same address.
  headers.delete("host");
  headers.set("client-request-id", correlationId);
  const url = urlWithin(service, call.url);
  return { ...call, url, headers: Object.fromEntries(headers), signal: deadline.signal };
}

function headersOf({ headers }: UserCall): Headers {
  try {
    return new Headers(headers);
  } catch (cause) {
    throw new AppError("internal_error", { hint: "A header of a call as the user is not valid.", cause });
  }
}

function withToken(request: OutgoingRequest, accessToken: string): OutgoingRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${accessToken}` } };
}

function sendWithRetries(request: OutgoingRequest, { deadline }: SignedInUser): Promise<OutgoingAnswer> {
  const maxRetries = RETRIED_METHODS.has(request.method) ? MAX_RETRIES : 0;
  const delayBeforeRetry = async (outcome: Outcome<OutgoingAnswer>, retries: number) => {
    if (retries === maxRetries || deadline.signal.aborted) return undefined;
    const delayMs = backoffMs(FIRST_DELAY_MS, retries);
    if ("error" in outcome) return delayMs;
    const { statusCode, headers, body } = outcome.value;
    if (!RETRIED_STATUSES.has(statusCode)) return undefined;
    const retryAfterSeconds = retryAfterOf(headers["retry-after"]);
    const wantedMs = retryAfterSeconds === undefined ? delayMs : retryAfterSeconds * 1000;
    if (wantedMs >= deadline.timeLeft()) return undefined;
    // An unread body keeps its connection busy.
    await body.dump();
    return wantedMs;
  };
  return withRetries(() => send(request), delayBeforeRetry, deadline.signal);
}

function serviceAnswer(answer: OutgoingAnswer): ServiceAnswer {
  const pairs = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  return {
    status: answer.statusCode,
    headers: new Headers(pairs),
    body: answer.body,
    bytes: () => readBody(answer, MAX_ANSWER_BYTES),
  };
}
