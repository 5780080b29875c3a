import { createHash } from "node:crypto";
import { escapeHtml, htmlPage } from "../http/html-page.ts";
import type { Reply } from "../http/router.ts";
import { type Hop, hasFailed, isRunning, type SeenToken, type Trace } from "./hop.ts";
import { LIVE_SCRIPT } from "./live-script.ts";
import { STYLE } from "./style.ts";
import { durationOf, failureOf, firstFailure, outcomeOf, shortPathOf, summaryOf } from "./summary.ts";

/** From left to right. A client that is no browser stands in the browser's place. */
const LANES = ["browser", "frontend gate", "frontend", "API gate", "function", "Entra", "Graph"];
const SCRIPT_HASH = createHash("sha256").update(LIVE_SCRIPT).digest("base64");

/** The page of all traces, newest first. `now` in milliseconds, by the clock that the tokens go by. */
export function tracePage(traces: readonly Trace[], now: number, etag: string): Reply {
  const items = traces.filter(({ hops }) => hops.length > 0).map((trace) => traceItem(trace, now));
  const empty = "<p>No requests yet. Open the frontend or call the API, and they show up here.</p>";
  const policy = ["form-action 'none'", `script-src 'sha256-${SCRIPT_HASH}'`, "connect-src 'self'"];
  const headers = { "cross-origin-resource-policy": "same-origin", etag };
  const body = bodyOf(items.length > 0 ? `<ol>${items.join("")}</ol>` : empty);
  return htmlPage({ title: "Trace – local stack", style: STYLE, body, policy, headers });
}

function bodyOf(content: string): string {
  return `  <header>
    <p class="banner">Emulators on this machine. Everyone here is made up. Signatures, secrets and codes are not shown.</p>
    <h1>Trace</h1>
    <p>The last requests, newest first. Open one to see whom it passed, and what each was sent. ✗ marks what failed.</p>
    <button type="button" hidden>Pause</button> <span role="status"></span>
  </header>
  <main id="traces">${content}</main>
  <script>${LIVE_SCRIPT}</script>`;
}

function traceItem(trace: Trace, now: number): string {
  const { id, hops, account } = trace;
  const [first] = hops;
  if (!first) return "";
  const origin = firstFailure(trace);
  const reason = hasFailed(first) && origin?.failure?.code !== outcomeOf(first) ? (origin?.failure?.code ?? "") : "";
  const time = new Date(first.startedAt);
  return `<li>
    <details class="trace" id="t${id}">
      <summary>
        <span><span class="what">${escapeHtml(first.method)} ${escapeHtml(shortPathOf(first))}</span>
          <small>${first.station}</small></span>
        <span class="outcome ${stateOf(first)}">${mark(first)}${outcomeOf(first)} ${escapeHtml(reason)}</span>
        <span class="account">${escapeHtml(account ?? "nobody signed in")}</span>
        <span>${durationOf(first)}</span>
        <time datetime="${time.toISOString()}">${time.toTimeString().slice(0, 8)}</time>
      </summary>
      <p class="id">Trace id ${id}</p>
      <div class="lanes" aria-hidden="true">${LANES.map((lane) => `<span>${lane}</span>`).join("")}</div>
      <ol class="hops">${hops.map((hop) => hopItem(hop, origin, now)).join("")}</ol>
    </details>
  </li>`;
}

function hopItem(hop: Hop, origin: Hop | undefined, now: number): string {
  const { station, caller, depth, method, path, tokens, notes, logs, spanId } = hop;
  const from = Math.max(0, LANES.indexOf(caller));
  const failure = failureOf(hop, origin);
  return `<li class="hop ${stateOf(hop)}" style="--depth: ${depth}; --from: ${from}; --to: ${LANES.indexOf(station)}">
    <div class="arrow" aria-hidden="true"><span></span></div>
    <div class="said">
      <p><strong>${caller} → ${station}</strong> <code>${escapeHtml(method)} ${escapeHtml(path)}</code>
        <span class="outcome ${stateOf(hop)}">${mark(hop)}${outcomeOf(hop)}</span> ${durationOf(hop)}</p>
      ${failure === "" ? "" : `<p class="failure">${escapeHtml(failure)}</p>`}
      ${notes.length === 0 ? "" : `<dl>${notes.map(noteItem).join("")}</dl>`}
      ${tokens.map((token, index) => tokenItem(token, `t${spanId}-${index}`, now)).join("")}
      ${logs.length === 0 ? "" : foldedText(`t${spanId}-log`, `Log (${logs.length})`, logs.join("\n"))}
    </div>
  </li>`;
}

function noteItem([name, value]: Hop["notes"][number]): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`;
}

function tokenItem(token: SeenToken, id: string, now: number): string {
  const summary = `${token.where}: ${summaryOf(token, now)}`;
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

/** Read aloud as "failed", seen as a cross. */
function mark(hop: Hop): string {
  return hasFailed(hop) ? '<span role="img" aria-label="failed">✗</span> ' : "";
}
