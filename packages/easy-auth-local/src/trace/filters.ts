import { escapeHtml } from "../http/html-page.ts";
import { type Hop, hasFailed, type Trace } from "./hop.ts";

/** Choice of the traces that the page shows. */
export interface Filters {
  /** Whether scripts, styles and pictures are shown too. */
  readonly assets: boolean;
  /** Key or name of a user; empty for everybody. */
  readonly user: string;
  /** `failed`, or a status such as `401`; empty for all. */
  readonly status: string;
}

const ASSET = /^\/assets\/|\.(css|gif|ico|jpe?g|js|map|mjs|png|svg|webp|woff2?)(\?|$)/;

/** Reads the filters from the page's query. */
export function filtersIn(query: URLSearchParams): Filters {
  const value = (name: string): string => query.get(name) ?? "";
  return { assets: query.has("assets"), user: value("user"), status: value("status") };
}

/** Whether the page shows a trace of this user. */
export function isShown(trace: Trace, user: string | undefined, filters: Filters): boolean {
  const [first] = trace.hops;
  if (!first || (ASSET.test(first.path) && !filters.assets)) return false;
  if (filters.user !== "" && filters.user !== user) return false;
  return hasStatus(first, filters.status) || (filters.status === "failed" && trace.hops.some(hasFailed));
}

function hasStatus({ status }: Hop, wanted: string): boolean {
  return wanted === "" || String(status) === wanted;
}

/** Makes the form that sets the filters. It offers the users and statuses that there are. HTML. */
export function filterForm(filters: Filters, users: readonly string[], statuses: readonly string[]): string {
  const options = (values: readonly string[], chosen: string): string =>
    [...new Set([...values, ...(chosen === "" ? [] : [chosen])])]
      .sort()
      .map((value) => `<option${value === chosen ? " selected" : ""}>${escapeHtml(value)}</option>`)
      .join("");
  return `<form method="get" action="/trace">
      <label>User <select name="user"><option value="">everybody</option>${options(users, filters.user)}</select></label>
      <label>Status <select name="status"><option value="">all</option>${options(["failed", ...statuses], filters.status)}</select></label>
      <label><input type="checkbox" name="assets"${filters.assets ? " checked" : ""}> Scripts, styles and pictures too</label>
      <button>Show</button>
    </form>`;
}
