/** Validators of a representation: https://www.rfc-editor.org/rfc/rfc9110#section-8.8 */
export interface Validators {
  /** Strong ETag, in quotes. */
  readonly etag: string;
  readonly lastModified?: Date | undefined;
}

/** A part of a representation; both ends are included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const ETAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;
const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)([a-z]*, .* GMT| .* \d{4})$/;
const RANGE = /^bytes=(\d*)-(\d*)$/i;

/**
 * Returns 304 or 412 when a request's conditions ask for it, else undefined. Checks them in the order of
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2, for GET and HEAD. Ignores malformed dates.
 */
export function statusByConditions(headers: Headers, { etag, lastModified }: Validators): 304 | 412 | undefined {
  const isNewerThan = (name: string): boolean | undefined => {
    const seconds = secondsOf(dateIn(headers.get(name)?.trim() ?? ""));
    return lastModified && !Number.isNaN(seconds) ? secondsOf(lastModified.getTime()) > seconds : undefined;
  };
  const [ifMatch, ifNoneMatch] = [headers.get("if-match"), headers.get("if-none-match")];
  if (ifMatch !== null ? !names(ifMatch, etag) : isNewerThan("if-unmodified-since") === true) return 412;
  // The weak comparison, which takes W/"1" and "1" for the same.
  const isKnown =
    ifNoneMatch !== null
      ? names(ifNoneMatch.replaceAll(/(^|[\s,])W\/(?=")/g, "$1"), etag)
      : isNewerThan("if-modified-since") === false;
  return isKnown ? 304 : undefined;
}

/**
 * Returns the part that `Range` asks for; undefined for the whole: also for several ranges, a malformed one, or another ETag in
 * `If-Range` (https://www.rfc-editor.org/rfc/rfc9110#section-14.2); "unsatisfiable" for a range that begins at the end or after
 * it.
 */
export function rangeOf(headers: Headers, etag: string, length: number): Range | "unsatisfiable" | undefined {
  const [, from = "", to = ""] = RANGE.exec(headers.get("range")?.trim() ?? "") ?? [];
  // A date does not vouch for the same bytes: it counts whole seconds.
  if ((from === "" && to === "") || (headers.get("if-range") ?? etag) !== etag) return undefined;
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  const first = from === "" ? Math.max(0, length - Number(to)) : Number(from);
  if (first >= length) return "unsatisfiable";
  return { first, last: from === "" || to === "" ? length - 1 : Math.min(Number(to), length - 1) };
}

/** Whether `*` or a list of ETags names this one; a weak one names nothing. */
function names(list: string, etag: string): boolean {
  return list.trim() === "*" || [...list.matchAll(ETAG)].some(([one]) => one === etag);
}

/** Returns milliseconds since 1970; NaN unless the value is a date of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 */
function dateIn(value: string): number {
  return HTTP_DATE.test(value) ? Date.parse(value.endsWith("GMT") ? value : `${value} GMT`) : Number.NaN;
}

function secondsOf(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
