import { AuthError, type INetworkModule, type NetworkRequestOptions, type NetworkResponse } from "@azure/msal-node";
import { jsonIn, membersOf } from "../outgoing/json.ts";
import { backoffMs, withRetries } from "../outgoing/retry.ts";
import { type OutgoingAnswer, readBody, retryAfterOf, send } from "../outgoing/send.ts";

/** Bound of an answer in memory; tokens have some kilobytes. */
const MAX_ANSWER_BYTES = 1_048_576;

/**
 * Members of the token endpoint's answer:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#error-response-example
 */
type Members = ReturnType<typeof membersOf>;

/**
 * A refusal of Entra, or the lack of an answer. Thrown from MSAL's network module, so that MSAL neither throttles other users
 * for one user's failure nor hands them that user's error text. Holds no `error_description`: that text is not ours to show.
 */
export class TokenEndpointError extends AuthError {
  override readonly name = "TokenEndpointError";
  /** HTTP status, or 0 without an answer: `errorCode` is then `timeout` or `unreachable`. */
  readonly status: number;
  /** AADSTS numbers. Microsoft may change them, so they only refine what `error` and `suberror` say. */
  readonly errorNumbers: readonly number[];
  readonly claims: string | undefined;
  readonly traceId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: Members, retryAfterSeconds: number | undefined, correlationId: string) {
    super(text(body.error) ?? "", correlationId, "The token endpoint refused.", text(body.suberror));
    // AuthError's own constructor sets the prototype back to AuthError's.
    Object.setPrototypeOf(this, TokenEndpointError.prototype);
    this.status = status;
    this.errorNumbers = Array.isArray(body.error_codes) ? body.error_codes.map(Number) : [];
    this.claims = text(body.claims);
    this.traceId = text(body.trace_id);
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Whether a retry may succeed: the connection failed, or Entra itself did. After a time-out no time is left for one. */
  get isTransient(): boolean {
    return this.errorCode === "unreachable" || this.status >= 500;
  }
}

/** Makes MSAL's network module: one request with a time-out, and a `TokenEndpointError` unless the answer is a success. */
export function createMsalNetwork(timeoutMs: number): INetworkModule {
  async function exchange<T>(
    method: string,
    url: string,
    options: NetworkRequestOptions = {},
  ): Promise<NetworkResponse<T>> {
    const { headers = {}, body = null, correlationId = "" } = options;
    const signal = AbortSignal.timeout(timeoutMs);
    let answer: OutgoingAnswer;
    let content: Members;
    try {
      answer = await send({ url: new URL(url), method, headers, body, signal });
      // Anything but a JSON object, such as a proxy's HTML, counts as an empty one.
      content = membersOf(jsonIn((await readBody(answer, MAX_ANSWER_BYTES)).toString()));
    } catch {
      throw new TokenEndpointError(0, { error: signal.aborted ? "timeout" : "unreachable" }, undefined, correlationId);
    }
    const { statusCode: status } = answer;
    if (status === 200) return { status, headers: {}, body: content as T };
    throw new TokenEndpointError(status, content, retryAfterOf(answer.headers["retry-after"]), correlationId);
  }

  return {
    sendGetRequestAsync: (url, options) => exchange("GET", url, options),
    sendPostRequestAsync: (url, options) => exchange("POST", url, options),
  };
}

const RETRY_DELAY_MS = 100;

/** Retries a request of MSAL once, 100 to 150 ms later, when its failure is transient. */
export function retriedOnce<T>(request: () => Promise<T>): Promise<T> {
  return withRetries(request, (outcome, retries) => {
    const error = outcome.status === "rejected" ? outcome.reason : undefined;
    const isTransient = error instanceof TokenEndpointError && error.isTransient;
    return isTransient && retries === 0 ? backoffMs(RETRY_DELAY_MS, retries) : undefined;
  });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
