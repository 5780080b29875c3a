import { AppError } from "../errors.ts";

/** What of a file is asked for, and when. */
export interface FileRequest {
  readonly name: string;
  /** Bytes, at most; undefined for the whole file. */
  readonly part: { readonly offset: number; readonly count: number } | undefined;
  /** An ETag: the part only while it is the file's, else the whole file. */
  readonly ifRange: string | undefined;
  /** An ETag: nothing while it is the file's. */
  readonly ifNoneMatch: string | undefined;
}

const MAX_NAME_LENGTH = 1024;
/** Past the end of every file: a part ends there. */
const TO_THE_END = "999999999999999";
const RANGE = /^bytes=(\d{1,15})-(\d{1,15})?$/;
const ETAG = /^(?:W\/)?("[^"]*")$/;

/**
 * Reads a request for a file. Of `Range`, one range with a start is taken; others are ignored, as
 * https://www.rfc-editor.org/rfc/rfc9110#section-14.2 allows. Of `If-None-Match`, one ETag, as Storage takes.
 *
 * @throws AppError `not_found` for a name that no file of the container can have
 */
export function fileRequestFrom(routeName: string, headers: Headers): FileRequest {
  const ifRange = headers.get("if-range");
  // An ETag that is weak, or a date, does not vouch for the same bytes.
  const isUncertain = ifRange !== null && !ifRange.startsWith('"');
  return {
    name: nameFrom(routeName),
    part: isUncertain ? undefined : partFrom(headers.get("range") ?? ""),
    ifRange: isUncertain ? undefined : (ifRange ?? undefined),
    ifNoneMatch: ETAG.exec(headers.get("if-none-match") ?? "")?.[1],
  };
}

/** The host decodes the path but for `%2F`, which callers write for a slash in a name. */
function nameFrom(routeName: string): string {
  const name = routeName.replace(/%2f/gi, "/");
  const isElsewhere = name.split(/[/\\]/).some((segment) => segment === "." || segment === "..");
  if (name === "" || name.length > MAX_NAME_LENGTH || isElsewhere) {
    throw new AppError("not_found", { hint: "No file of the container can have that name." });
  }
  return name;
}

function partFrom(range: string): FileRequest["part"] {
  const [, first, last = TO_THE_END] = RANGE.exec(range) ?? [];
  const offset = Number(first);
  const count = Number(last) - offset + 1;
  return first !== undefined && count >= 1 ? { offset, count } : undefined;
}
