import { createHash } from "node:crypto";
import { escapeHtml, htmlPage } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";
import { type Action, actionsOf } from "./actions.ts";
import { type Filters, filterForm, isShown } from "./filters.ts";
import { type Hop, hasFailed, isRunning, type SeenToken, type Trace } from "./hop.ts";
import { LIVE_SCRIPT } from "./live-script.ts";
import type { Naming } from "./names.ts";
import { STYLE } from "./style.ts";
import { durationOf, failureOf, firstFailure, outcomeOf, shortPathOf, summaryOf } from "./summary.ts";
import type { Traces } from "./traces.ts";

/** Lanes from left to right. A client that is no browser stands in the browser's place. */
const LANES = ["browser", "frontend gate", "frontend", "API gate", "function", "Entra", "Graph"];
const SCRIPT_HASH = createHash("sha256").update(LIVE_SCRIPT).digest("base64");

export interface TracePageOptions {
  readonly filters: Filters;
  readonly named: Naming;
  /** Milliseconds since 1970, by the clock that the tokens go by. */
  readonly now: number;
  readonly etag: string;
}

/** Makes the page of the traces that the filters let through, newest first, one action at a time. */
export function tracePage(traces: Traces, { filters, named, now, etag }: TracePageOptions): Reply {
  const all = traces.recent.filter(({ hops }) => hops.length > 0);
  const userOf = (trace: Trace): string | undefined => traces.userOf(trace);
  const shown = all.filter((trace) => isShown(trace, userOf(trace), filters));
  const items = actionsOf(shown, userOf).map((action, index) =>
    actionItem(action, index === 0, { userOf, named, now }),
  );
  const policy = ["form-action 'self'", `script-src 'sha256-${SCRIPT_HASH}'`, "connect-src 'self'"];
  const headers = { "cross-origin-resource-policy": "same-origin", etag };
  const users = all.map(userOf).filter((user) => user !== undefined);
  const statuses = all.flatMap(({ hops: [first] }) => (first?.status === undefined ? [] : [String(first.status)]));
  const body = bodyOf(filterForm(filters, users, statuses), contentOf(items, all.length - shown.length));
  return htmlPage({ title: "Trace – local stack", style: STYLE, body, policy, headers });
}

function contentOf(items: readonly string[], hidden: number): string {
  const rest =
    hidden > 0 ? `<p>${hidden} ${hidden === 1 ? "request is" : "requests are"} hidden by the filters.</p>` : "";
  const empty = "<p>No requests yet. Open the frontend or call the API, and they show up here.</p>";
  return (items.length > 0 ? `<ol>${items.join("")}</ol>` : hidden > 0 ? "" : empty) + rest;
}

function bodyOf(filters: string, content: string): string {
  return `  <header>
    <p class="banner">Emulators on this machine. Everyone here is made up. Signatures, secrets and codes are not shown.</p>
    <h1>Trace</h1>
    <p>The latest requests, newest first. Requests that follow each other at once are one group. Open a request to see each hop and
      what was sent. ✗ marks a failure. <a href="/">Control page</a></p>
    ${filters}
    <button type="button" id="pause" hidden>Pause</button> <span role="status"></span>
  </header>
  <main id="traces">${content}</main>
  <script>${LIVE_SCRIPT}</script>`;
}

interface Shown {
  readonly userOf: (trace: Trace) => string | undefined;
  readonly named: Naming;
  readonly now: number;
}

/** Makes the item of an action: several requests together, open when newest; a single request as itself. */
function actionItem({ traces, user }: Action, isNewest: boolean, shown: Shown): string {
  const first = traces.at(-1);
  const [begin] = first?.hops ?? [];
  if (!first || !begin) return "";
  if (traces.length === 1) return traceItem(first, shown);
  const failed = traces.filter(({ hops: [hop] }) => hop && hasFailed(hop)).length;
  return `<li>
    <details class="action" id="a${first.id}"${isNewest ? " open" : ""}>
      <summary>
        <span><span class="what">${titleOf(begin, shown.named)}</span>
          <small>and ${traces.length - 1} more</small></span>
        <span class="outcome ${failed > 0 ? "failed" : "ok"}">${failed > 0 ? `✗ ${failed} failed` : ""}</span>
        <span class="account">${escapeHtml(user ?? accountOf(first, undefined))}</span>
        <span></span>
        ${timeOf(begin)}
      </summary>
      <ol>${traces.map((trace) => traceItem(trace, shown)).join("")}</ol>
    </details>
  </li>`;
}

function traceItem(trace: Trace, { userOf, named, now }: Shown): string {
  const { id, hops } = trace;
  const [first] = hops;
  if (!first) return "";
  const origin = firstFailure(trace);
  const reason = hasFailed(first) && origin?.failure?.code !== outcomeOf(first) ? (origin?.failure?.code ?? "") : "";
  return `<li>
    <details class="trace" id="t${id}">
      <summary>
        <span><span class="what">${titleOf(first, named)}</span>
          <small>${first.station}</small></span>
        <span class="outcome ${stateOf(first)}">${mark(first)}${outcomeOf(first)} ${escapeHtml(reason)}</span>
        <span class="account">${escapeHtml(accountOf(trace, userOf(trace)))}</span>
        <span>${durationOf(first)}</span>
        ${timeOf(first)}
      </summary>
      <p class="id">Trace id ${id}</p>
      <div class="lanes" aria-hidden="true">${LANES.map((lane) => `<span>${lane}</span>`).join("")}</div>
      <ol class="hops">${hops.map((hop) => hopItem(hop, origin, named, now)).join("")}</ol>
    </details>
  </li>`;
}

/** Returns method and path; of a sign-in without its long query. HTML. */
function titleOf(hop: Hop, named: Naming): string {
  const path = shortPathOf(hop);
  return `${escapeHtml(hop.method)} ${escapeHtml(named(path.startsWith("/.auth/") ? path.replace(/\?.*/s, "") : path))}`;
}

/** Names the user. Says that nobody is signed in only where neither a session nor a token was sent. */
function accountOf({ session, hops }: Trace, user: string | undefined): string {
  if (user !== undefined) return user;
  if (session !== undefined) return "session of a user not seen yet";
  return hops.some(({ tokens }) => tokens.length > 0) ? "token that names no user" : "nobody signed in";
}

function timeOf({ startedAt }: Hop): string {
  const time = new Date(startedAt);
  return `<time datetime="${time.toISOString()}">${time.toTimeString().slice(0, 8)}</time>`;
}

function hopItem(hop: Hop, origin: Hop | undefined, named: Naming, now: number): string {
  const { station, sender, depth, method, path, tokens, notes, logs, spanId } = hop;
  const from = Math.max(0, LANES.indexOf(sender));
  const failure = named(failureOf(hop, origin));
  return `<li class="hop ${stateOf(hop)}" style="--depth: ${depth}; --from: ${from}; --to: ${LANES.indexOf(station)}">
    <div class="arrow" aria-hidden="true"><span></span></div>
    <div class="said">
      <p><strong>${sender} → ${station}</strong> <code>${escapeHtml(method)} ${escapeHtml(named(path))}</code>
        <span class="outcome ${stateOf(hop)}">${mark(hop)}${outcomeOf(hop)}</span> ${durationOf(hop)}</p>
      ${failure === "" ? "" : `<p class="failure">${escapeHtml(failure)}</p>`}
      ${notes.length === 0 ? "" : `<dl>${notes.map((note) => noteItem(note, named)).join("")}</dl>`}
      ${tokens.map((token, index) => tokenItem(token, `t${spanId}-${index}`, named, now)).join("")}
      ${logs.length === 0 ? "" : foldedText(`t${spanId}-log`, `Log (${logs.length})`, logs.join("\n"))}
    </div>
  </li>`;
}

function noteItem([name, value]: Hop["notes"][number], named: Naming): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(named(value))}</dd></div>`;
}

function tokenItem(token: SeenToken, id: string, named: Naming, now: number): string {
  const summary = `${token.where}: ${named(summaryOf(token, now))}`;
  if (token.claims) return foldedText(id, summary, JSON.stringify(token.claims, undefined, 2));
  return `<p>${escapeHtml(summary)}</p>`;
}

function foldedText(id: string, summary: string, text: string): string {
  return `<details id="${id}"><summary>${escapeHtml(summary)}</summary><pre tabindex="0">${escapeHtml(text)}</pre></details>`;
}

function stateOf(hop: Hop): "running" | "failed" | "ok" {
  if (isRunning(hop)) return "running";
  return hasFailed(hop) ? "failed" : "ok";
}

/** Makes the mark of a failed hop: a cross, which screen readers read as "failed". */
function mark(hop: Hop): string {
  return hasFailed(hop) ? '<span role="img" aria-label="failed">✗</span> ' : "";
}
