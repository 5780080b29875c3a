import type { OutgoingAnswer, OutgoingRequest } from "../outgoing/send.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** The only headers that another host gets. */
const SENT_ELSEWHERE: ReadonlySet<string> = new Set(["accept", "accept-encoding", "range", "if-range"]);

/**
 * Returns the request that an answer to a GET or HEAD redirects to; undefined without a redirect, or for one that leads away
 * from https, or to another origin unless `mayLeadElsewhere`. Another origin gets no token.
 */
export function redirectIn(
  request: OutgoingRequest,
  { statusCode, headers }: Pick<OutgoingAnswer, "statusCode" | "headers">,
  mayLeadElsewhere: boolean,
): OutgoingRequest | undefined {
  const location = headers.location;
  if (!REDIRECTS.has(statusCode) || typeof location !== "string") return undefined;
  if ((request.method !== "GET" && request.method !== "HEAD") || !URL.canParse(location, request.url.href))
    return undefined;
  const target = new URL(location, request.url);
  const isSameOrigin = target.origin === request.url.origin;
  const isSafe = target.protocol === "https:" && target.username === "" && target.password === "";
  if (!isSafe || !(isSameOrigin || mayLeadElsewhere)) return undefined;
  const kept = Object.entries(request.headers).filter(([name]) => isSameOrigin || SENT_ELSEWHERE.has(name));
  const server = isSameOrigin ? {} : { server: "another host" };
  return { ...request, ...server, url: target, headers: Object.fromEntries(kept) };
}
