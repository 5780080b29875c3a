import { setTimeout as sleep } from "node:timers/promises";
import { type Context, GraphClientError, type Middleware } from "@microsoft/microsoft-graph-client";
import { AppError, type Remedy } from "../../errors.ts";
import type { Deadline } from "../../outgoing/deadline.ts";
import { type OutgoingAnswer, type OutgoingRequest, readBody, retryAfterOf, send } from "../../outgoing/send.ts";
import { operation } from "../../telemetry/telemetry.ts";
import { tokenRefusalIn } from "../claims-challenge.ts";
import { unreachable } from "../failure.ts";

export interface GraphUser {
  /** Where Graph is, without a slash at the end: the only place the user's token is sent to. */
  readonly graphOrigin: string;
  /** An access token for Graph as the user; a new one that satisfies the claims when there are some. */
  graphToken(claims?: string): Promise<string>;
  /** Told when Graph no longer takes the token. */
  forgetGraphToken(): void;
  /** Sent to Graph as `client-request-id`. */
  readonly correlationId: string;
  /** Ends a call and its retries. */
  readonly deadline: Deadline;
  /** Where the user signs in again when Graph asks for claims. */
  readonly remedy: Remedy;
}

const MAX_BYTES_IN_MEMORY = 8 * 1_048_576;
const MAX_RETRIES = 2;
const FIRST_DELAY_MS = 200;
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 503, 504]);
const RETRIED_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/**
 * The whole middleware chain of the Graph client: the user's token, one request, one more with a new token when Graph
 * refuses the first, and at most two more for a GET that Graph throttled, could not serve, or that failed on the way.
 * `Retry-After` is obeyed when it fits into the request's time, else the answer is final. The default chain bounds none of
 * this, and its waits cannot be interrupted.
 */
export class UserTransport implements Middleware {
  readonly #user: GraphUser;

  constructor(user: GraphUser) {
    this.#user = user;
  }

  async execute(context: Context): Promise<void> {
    try {
      const answer = await operation({ name: "Graph" }, () => this.#answerTo(context));
      context.response = responseOf(answer);
    } catch (error) {
      const failure = error instanceof AppError ? error : unreachable(error, this.#user.deadline.signal);
      // The Graph client wraps whatever its middleware throws, and drops it, except its own class.
      throw Object.assign(new GraphClientError(failure.code), { customError: failure });
    }
  }

  /** When Graph refuses the token: one new exchange, with the claims Graph asks for, and the call once more. */
  async #answerTo(context: Context): Promise<OutgoingAnswer> {
    const answer = await this.#sendWithRetries(this.#requestOf(context, await this.#user.graphToken()));
    const refusal = tokenRefusalIn(answer);
    if (!refusal || !isRepeatable(context)) return this.#unlessChallenged(answer);
    this.#user.forgetGraphToken();
    await answer.body.dump();
    const graphToken = await this.#user.graphToken(refusal.claims);
    return this.#unlessChallenged(await this.#sendWithRetries(this.#requestOf(context, graphToken)));
  }

  /** The answer, unless it asks for claims: another sign-in has to bring them. */
  async #unlessChallenged(answer: OutgoingAnswer): Promise<OutgoingAnswer> {
    const refusal = tokenRefusalIn(answer);
    if (refusal) this.#user.forgetGraphToken();
    if (refusal?.claims === undefined) return answer;
    await answer.body.dump();
    const hint = "Graph asks for claims that the token did not have.";
    throw new AppError("claims_challenge", { hint, claims: refusal.claims, remedy: this.#user.remedy });
  }

  #requestOf({ request, options }: Context, graphToken: string): OutgoingRequest {
    const url = typeof request === "string" ? request : request.url;
    // The Graph client takes absolute addresses too, such as those of further pages.
    if (!url.startsWith(`${this.#user.graphOrigin}/`)) {
      throw new AppError("internal_error", {
        hint: "A call of the Graph client leads to another host; it got no token.",
      });
    }
    const headers = {
      ...(options?.headers as Record<string, string> | undefined),
      authorization: `Bearer ${graphToken}`,
      "client-request-id": this.#user.correlationId,
    };
    const { method = "GET", body } = options ?? {};
    return { url, method, headers, body: body as OutgoingRequest["body"], signal: this.#user.deadline.signal };
  }

  async #sendWithRetries(request: OutgoingRequest): Promise<OutgoingAnswer> {
    for (let retries = RETRIED_METHODS.has(request.method) ? MAX_RETRIES : 0; ; retries -= 1) {
      const answer = await send(request).catch((error: unknown) => {
        if (retries === 0 || request.signal.aborted) throw error;
        return undefined;
      });
      if (answer && (retries === 0 || !RETRIED_STATUSES.has(answer.statusCode))) return answer;
      const delayMs = delayOf(answer, MAX_RETRIES - retries);
      if (answer && delayMs >= this.#user.deadline.timeLeft()) return answer;
      // Unread, the body would keep its connection from being used again.
      await answer?.body.dump();
      await sleep(delayMs, undefined, { signal: request.signal });
    }
  }
}

/** A body that streams is gone once it was sent. */
function isRepeatable({ options }: Context): boolean {
  const { body } = options ?? {};
  return body === undefined || body === null || typeof body === "string" || body instanceof Uint8Array;
}

/** Graph's own wish, else 200 ms doubled with each retry; with up to half as much again, so that callers spread out. */
function delayOf(answer: OutgoingAnswer | undefined, retry: number): number {
  const retryAfter = retryAfterOf(answer?.headers["retry-after"]);
  if (retryAfter !== undefined) return retryAfter * 1000;
  return FIRST_DELAY_MS * 2 ** retry * (1 + Math.random() / 2);
}

/**
 * The answer as the Graph client reads it: the part of a `Response` that it uses. What is read into memory is bounded; as
 * a stream (`responseType("stream")`) an answer may be of any length.
 */
function responseOf(answer: OutgoingAnswer): Response {
  const { statusCode: status, headers, body } = answer;
  const read = () => readBody(answer, MAX_BYTES_IN_MEMORY);
  const response = {
    status,
    ok: status >= 200 && status < 300,
    headers: { get: (name: string) => [headers[name.toLowerCase()] ?? null].flat().join(", ") || null },
    body,
    json: async () => JSON.parse((await read()).toString()),
    text: async () => (await read()).toString(),
    blob: async () => new Blob([await read()], { type: String(headers["content-type"] ?? "") }),
    arrayBuffer: async () => Uint8Array.from(await read()).buffer,
  };
  return response as unknown as Response;
}
