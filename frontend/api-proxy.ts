import { once } from "node:events";
import http, {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import https from "node:https";
import { pipeline } from "node:stream/promises";
import { Failure, type FailureCode } from "./failure.ts";
import { userOf } from "./session.ts";

/** Header in which Easy Auth gives this app the access token of the user's session. */
const ACCESS_TOKEN_HEADER = "x-ms-token-aad-access-token";

/** Request headers that are forwarded to the backend: no cookies, and none that only Easy Auth may set. */
const REQUEST_HEADERS = [
  "accept",
  "accept-encoding",
  "accept-language",
  "content-length",
  "content-type",
  "if-match",
  "if-modified-since",
  "if-none-match",
  "if-range",
  "if-unmodified-since",
  "range",
  "traceparent",
  "tracestate",
] as const;

/** Answer headers that are passed on to the browser: no cookies, and no policies for this origin. */
const RESPONSE_HEADERS = [
  "accept-ranges",
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
  "location",
  "referrer-policy",
  "retry-after",
  "vary",
  "www-authenticate",
  "x-correlation-id",
] as const;

export interface ApiProxyOptions {
  readonly backendUrl: string;
  /** Milliseconds from the last part of the request to the answer's headers. */
  readonly timeoutMs: number;
}

/** Milliseconds without a byte in either direction; App Service also ends such a connection then. */
const SILENCE_TIMEOUT_MS = 230_000;

/** Header with the object id of the user whose token the backend got, so that a page can notice another user's data. */
const USER_HEADER = "x-signed-in-user";

/**
 * Failure codes for a bare refusal (an empty body or a page), which comes from the API's Easy Auth; refusals of the API
 * itself give a reason.
 */
const GATE_REFUSALS: Readonly<Partial<Record<number, FailureCode>>> = { 401: "sign_in_refused", 403: "app_refused" };

/**
 * Sends the request on to the backend as the signed-in user and streams the answer back, both ways with back-pressure.
 * `target` is path and query, already checked. Follows no redirect. Ends the backend's request when the client leaves.
 *
 * @throws Failure `no_access_token`, `sign_in_refused`, `app_refused`, `api_unreachable`, `api_timeout`
 */
export async function forwardToBackend(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  { backendUrl, timeoutMs }: ApiProxyOptions,
): Promise<void> {
  const headers = backendHeaders(request);
  const send = backendUrl.startsWith("https:") ? https.request : http.request;
  const options = { method: request.method, headers, timeout: SILENCE_TIMEOUT_MS };
  const backendRequest = send(`${backendUrl}${target}`, options);
  backendRequest.once("timeout", () => backendRequest.destroy(new Failure("api_timeout")));
  // A failure before the answer rejects below; one after it shows in the answer's own stream.
  backendRequest.on("error", () => {});
  response.once("close", () => {
    if (!response.writableFinished) backendRequest.destroy();
  });
  // Not pipeline(): a backend that fails must not destroy the request, which is still to be answered.
  request.pipe(backendRequest);
  const answer = await answerOf(request, backendRequest, timeoutMs);
  refuseAsGate(answer);
  const user = userOf(request);
  response.writeHead(answer.statusCode ?? 502, {
    "cache-control": "no-store",
    ...pick(answer.headers, RESPONSE_HEADERS),
    ...(user !== undefined && { [USER_HEADER]: user }),
  });
  await streamAnswer(answer, response);
}

function backendHeaders(request: IncomingMessage): OutgoingHttpHeaders {
  const accessToken = request.headers[ACCESS_TOKEN_HEADER];
  if (!accessToken) {
    throw new Failure("no_access_token", {
      headers: { "www-authenticate": "Bearer" },
      hint: "Easy Auth passed no access token on. Check that its token store is on and that its login parameters ask for the API's scope.",
    });
  }
  const headers: OutgoingHttpHeaders = {
    ...pick(request.headers, REQUEST_HEADERS),
    authorization: `Bearer ${accessToken}`,
  };
  // Without it Node writes the body of a DELETE or GET unframed, and the backend would read it as a second request.
  if (request.headers["transfer-encoding"]) headers["transfer-encoding"] = "chunked";
  return headers;
}

async function answerOf(
  request: IncomingMessage,
  backendRequest: ClientRequest,
  timeoutMs: number,
): Promise<IncomingMessage> {
  const timer = setTimeout(() => backendRequest.destroy(new Failure("api_timeout")), timeoutMs);
  const prolong = (): void => void timer.refresh();
  request.on("data", prolong);
  // A backend that switches protocols (101) ends it without an answer and without an error.
  const ended = new AbortController();
  backendRequest.once("close", () => ended.abort());
  try {
    const [answer] = (await once(backendRequest, "response", { signal: ended.signal })) as [IncomingMessage];
    return answer;
  } catch (cause) {
    throw cause instanceof Failure ? cause : new Failure("api_unreachable", { cause });
  } finally {
    clearTimeout(timer);
    request.off("data", prolong);
  }
}

/** Gives a bare refusal of the API's Easy Auth a code, words and a correlation id. Keeps its challenge. */
function refuseAsGate(answer: IncomingMessage): void {
  const { "content-type": contentType, "content-length": length, "www-authenticate": challenge } = answer.headers;
  const code = GATE_REFUSALS[answer.statusCode ?? 0];
  const isBare = contentType === undefined || length === "0" || contentType.startsWith("text/html");
  if (!code || !isBare) return;
  answer.resume();
  throw new Failure(code, {
    ...(challenge !== undefined && { headers: { "www-authenticate": challenge } }),
    hint: GATE_HINT,
  });
}

const GATE_HINT =
  "The API's Easy Auth refused the token of this app's sign-in. Compare the token's aud, iss and appid with its allowedAudiences, openIdIssuer and allowedApplications, and look at the API's access restrictions.";

async function streamAnswer(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  let isBackendToBlame = false;
  // A client that leaves destroys the response first; what pipeline() rejects with differs between Node versions.
  answer.once("error", () => {
    isBackendToBlame = !response.destroyed;
  });
  try {
    await pipeline(answer, response);
  } catch (cause) {
    if (!isBackendToBlame) return;
    throw new Failure("api_unreachable", { cause, hint: "The backend broke off in the middle of its answer." });
  }
}

function pick(headers: IncomingMessage["headers"], names: readonly string[]): OutgoingHttpHeaders {
  const picked: OutgoingHttpHeaders = {};
  for (const name of names) if (headers[name] !== undefined) picked[name] = headers[name];
  return picked;
}
