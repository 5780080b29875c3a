import type http from "node:http";
import type { Reply } from "../http/router.ts";

/** CORS of the platform, `siteConfig.cors` of the app. */
export interface CorsSettings {
  /** Origins, compared exactly, or `*` for all. */
  readonly allowedOrigins: readonly string[];
  /** Lets pages of those origins send cookies. Not together with `*`. */
  readonly supportCredentials?: boolean;
}

/**
 * Returns the answer to a preflight, which needs no authentication and never comes from the app; undefined for a request
 * without both headers of a preflight.
 */
export function preflightReply({ method, headers }: http.IncomingMessage, cors: CorsSettings): Reply | undefined {
  const askedMethod = headers["access-control-request-method"];
  if (method !== "OPTIONS" || headers.origin === undefined || askedMethod === undefined) return undefined;
  const allowed = corsHeaders(headers.origin, cors);
  if (Object.keys(allowed).length === 0) return { status: 204 };
  const askedHeaders = headers["access-control-request-headers"];
  return {
    status: 204,
    headers: {
      ...allowed,
      "access-control-allow-methods": askedMethod,
      ...(askedHeaders !== undefined && { "access-control-allow-headers": askedHeaders }),
    },
  };
}

/** Returns the headers that let a page of this origin read an answer; none for an origin that is not listed. */
export function corsHeaders(origin: string | undefined, cors: CorsSettings): Record<string, string> {
  if (origin === undefined) return {};
  if (cors.allowedOrigins.includes("*")) return { "access-control-allow-origin": "*" };
  if (!cors.allowedOrigins.includes(origin)) return {};
  return {
    "access-control-allow-origin": origin,
    vary: "Origin",
    ...(cors.supportCredentials === true && { "access-control-allow-credentials": "true" }),
  };
}
