import {
  connectionProblem,
  type Problem,
  problemFrom,
  REDIRECTED,
  RequestProblem,
  SESSION_ENDED,
  SIGNING_IN,
} from "./problem.ts";
import { type SignInPage, UnaskedSignIn } from "./sign-in.ts";
import { TokenRenewal } from "./token-renewal.ts";
import { countDown } from "./wait.ts";

/** Options of `fetch`, without those that would lose the session or cannot be sent a second time. */
export interface CallOptions extends Omit<RequestInit, "body" | "credentials" | "mode" | "redirect"> {
  readonly body?: string | Blob | ArrayBuffer | FormData | URLSearchParams;
  /** Milliseconds for each attempt; 30,000 by default: longer than the server allows the API. */
  readonly timeoutMs?: number;
  /**
   * Called each second, with the seconds left, while the call waits because the service asked to. Abort `signal` to end
   * the wait.
   */
  readonly onWait?: (secondsLeft: number, problem: Problem) => void;
  /** Called before the browser leaves for a sign-in; returns true by default. With false, the call throws the problem. */
  readonly onSignIn?: (problem: Problem) => boolean | Promise<boolean>;
}

/** The part of the browser that the client uses. */
export interface Browser extends SignInPage {
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
}

/**
 * Calls this app's own server as the signed-in user, and resolves to an answer that is a success. On the way:
 *
 * - 401, or a redirect to the sign-in page: renews the session's tokens, once for all calls that wait for it, and tries again.
 * - 401 still, or with a claims challenge: signs the user in, who comes back to this very address.
 * - A redirect although the session is good: throws the code `redirected`. Open such addresses as links.
 * - 429 and 503 with `Retry-After` up to a minute, for GET and HEAD: waits and tries again, three times at most.
 *
 * @throws RequestProblem for everything else; code `signing_in` while the browser leaves for the sign-in page
 * @throws what `signal` was aborted with
 */
export type FetchAsUser = (path: `/${string}`, options?: CallOptions) => Promise<Response>;

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_WAITS = 3;
const MAX_WAIT_SECONDS = 60;
const REPEATABLE = ["GET", "HEAD"];

export function createFetchAsUser(browser: Browser): FetchAsUser {
  const tokens = new TokenRenewal(() => send(browser, "/.auth/refresh", {}));
  const signIn = new UnaskedSignIn(browser);

  return async (path, options = {}) => {
    const { onWait = () => {}, onSignIn = () => true, method = "GET", signal } = options;
    const call = `${method} ${path.replace(/[?#].*/s, "")}`;
    let waits = 0;
    let isRenewed = false;
    for (;;) {
      const { generation } = tokens;
      const response = await send(browser, path, options);
      if (response.ok || response.status === 304) {
        signIn.succeeded(call);
        return response;
      }
      const problem = await problemFrom(response);
      if (isWorthWaiting(problem, method) && waits < MAX_WAITS) {
        waits += 1;
        await countDown(problem.retryAfterSeconds, (seconds) => onWait(seconds, problem), signal);
        continue;
      }
      if (problem.status !== 401) throw new RequestProblem(problem);
      if (isRenewed && problem.code === SESSION_ENDED.code) throw new RequestProblem(REDIRECTED);
      if (problem.claims === undefined && !isRenewed) {
        isRenewed = true;
        if (await tokens.renew(generation)) continue;
      }
      const isLeaving = signIn.isDue(call) && (await onSignIn(problem)) && signIn.begin(call, problem);
      throw new RequestProblem(isLeaving ? SIGNING_IN : problem);
    }
  };
}

/** `FetchAsUser` for the page this runs in. */
export const fetchAsUser: FetchAsUser = createFetchAsUser({
  fetch: (path, init) => fetch(path, init),
  storage: () => sessionStorage,
  currentPath: () => location.pathname + location.search + location.hash,
  goTo: (url) => location.assign(url),
  now: Date.now,
});

async function send(browser: Browser, path: string, options: CallOptions): Promise<Response> {
  if (!/^\/(?![/\\])/.test(path)) throw new TypeError("A path of this app's own server is needed.");
  const { onWait: _, onSignIn: __, timeoutMs = DEFAULT_TIMEOUT_MS, signal, headers, ...init } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await browser.fetch(path, {
      ...init,
      headers: withDefaults(headers),
      // A redirect leads to the sign-in page. A script that followed it would get an error without details.
      redirect: "manual",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw new RequestProblem(connectionProblem(error), { cause: error });
  }
}

/** Adds the header that marks a request of a script: a gate that honours it answers 401 instead of a redirect. */
function withDefaults(given: RequestInit["headers"]): Headers {
  const headers = new Headers(given);
  if (!headers.has("accept")) headers.set("accept", "application/json");
  headers.set("x-requested-with", "XMLHttpRequest");
  return headers;
}

function isWorthWaiting(problem: Problem, method: string): problem is Problem & { retryAfterSeconds: number } {
  const { status, retryAfterSeconds = Number.POSITIVE_INFINITY } = problem;
  return [429, 503].includes(status) && retryAfterSeconds <= MAX_WAIT_SECONDS && REPEATABLE.includes(method);
}
