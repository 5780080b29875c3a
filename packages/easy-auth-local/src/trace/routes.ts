import type { Directory } from "../directory/directory.ts";
import { LOOPBACK_NAMES } from "../http/loopback-server.ts";
import { json, type RouteHandler } from "../http/router.ts";
import { filtersIn } from "./filters.ts";
import { namesIn } from "./names.ts";
import { tracePage } from "./page.ts";
import type { Traces } from "./traces.ts";

/**
 * Makes the route `GET /trace`: the page, with its filters in the query. No page of another origin can read it, since no
 * answer here allows that; asked by Microsoft's name, the emulator has what Microsoft has.
 */
export function traceRoutes(
  traces: Traces,
  directory: Directory,
  now: () => number = Date.now,
): Readonly<Record<string, RouteHandler>> {
  const named = namesIn(directory);
  return {
    "GET /trace": ({ url, headers }) => {
      if (!LOOPBACK_NAMES.has(url.hostname)) return json(404, { error: "not_found" });
      const etag = `"${traces.version}"`;
      if (headers["if-none-match"] === etag) return { status: 304, headers: { etag } };
      return tracePage(traces, { filters: filtersIn(url.searchParams), named, now: now(), etag });
    },
  };
}
