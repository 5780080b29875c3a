import { type Hop, hasFailed, isRunning, type SeenToken, type Trace } from "./hop.ts";

const GUID = /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/gi;

/** Returns how a hop or a whole request ended, in words. */
export function outcomeOf(hop: Hop): string {
  if (isRunning(hop)) return "running";
  return hop.status === undefined ? "no answer" : String(hop.status);
}

/** Returns whole milliseconds, at least one; nothing while it runs. */
export function durationOf({ durationMs }: Hop): string {
  if (durationMs === undefined) return "";
  return durationMs < 1 ? "< 1 ms" : `${Math.round(durationMs)} ms`;
}

/**
 * Returns why a hop failed: the text where the failure began, the code alone where it was passed on. Nothing for what did
 * not fail, or failed with no more to say than the status.
 */
export function failureOf(hop: Hop, origin: Hop | undefined): string {
  if (!hasFailed(hop)) return "";
  const { code, text } = hop.failure ?? { code: "The connection ended without a whole answer.", text: undefined };
  const shownCode = code === String(hop.status) ? "" : code;
  return [shownCode, hop === origin ? text : undefined].filter(Boolean).join(": ");
}

/** Returns the path; for Entra without its long query and ids. */
export function shortPathOf({ station, path }: Hop): string {
  return station === "Entra" ? path.replace(/\?.*/, "").replaceAll(GUID, "…") : path;
}

/** Finds the deepest failed hop: the failure that the others pass on. */
export function firstFailure({ hops }: Trace): Hop | undefined {
  const failed = hops.filter(hasFailed);
  return failed.reduce<Hop | undefined>(
    (deepest, hop) => (deepest && deepest.depth >= hop.depth ? deepest : hop),
    undefined,
  );
}

/** Summarizes a token in a line: audience, user, scopes and time left. `now` in ms. */
export function summaryOf({ claims }: SeenToken, now: number): string {
  if (!claims) return "not a JWT";
  const { aud, scp, exp } = claims;
  const user = claims.preferred_username ?? claims.upn ?? claims.unique_name ?? claims.oid;
  return [
    aud !== undefined && `for ${[aud].flat().join(", ")}`,
    user !== undefined && `about ${user}`,
    scp !== undefined && `scp ${scp}`,
    typeof exp === "number" && expiryOf(exp, now),
  ]
    .filter(Boolean)
    .join(" · ");
}

function expiryOf(exp: number, now: number): string {
  const leftMs = exp * 1000 - now;
  return leftMs > 0 ? `expires in ${spanOf(leftMs)}` : `expired ${spanOf(-leftMs)} ago`;
}

function spanOf(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} min`;
  return minutes < 48 * 60 ? `${Math.round(minutes / 60)} h` : `${Math.round(minutes / 1440)} days`;
}
