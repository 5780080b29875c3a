/** Path and query of a request as the real host's server, Kestrel, hands them to routing. */
export interface RequestTarget {
  /** Percent-decoded, except for `%2F` and for bytes that are no UTF-8; without dot segments. */
  readonly path: string;
  /** The query as it was sent, with its question mark; empty without one. */
  readonly query: string;
}

/** A percent-encoded character of UTF-8; `decodeURIComponent` refuses overlong ones and surrogates. */
const ENCODED_CHARACTER =
  /%[0-7][\da-f]|%[cd][\da-f]%[89ab][\da-f]|%e[\da-f](?:%[89ab][\da-f]){2}|%f[0-7](?:%[89ab][\da-f]){3}/gi;
/** Form of the start of an absolute target, before its path. */
const ABSOLUTE = /^https?:\/\/(?<authority>[^/?#]*)/i;

/**
 * Reads the target of a request line, in origin or absolute form. Returns undefined for one that Kestrel answers 400.
 * Dot segments are resolved after decoding, so `%2e%2e` is one too; a backslash separates nothing.
 *
 * Source: Http1Connection.cs, PathDecoder.cs, PathNormalizer.cs and UrlDecoder.cs in dotnet/aspnetcore.
 */
export function readTarget(target: string, host: string | undefined): RequestTarget | undefined {
  if (target === "*") return { path: "*", query: "" };
  const authority = ABSOLUTE.exec(target)?.groups?.authority;
  if (authority !== undefined && authority !== host) return undefined;
  const local = authority === undefined ? target : target.replace(ABSOLUTE, "").replace(/^(?!\/)/, "/");
  if (!local.startsWith("/") || /#|%00/.test(local)) return undefined;
  const [rawPath = ""] = local.split("?", 1);
  return { path: removeDotSegments(decodePath(rawPath)), query: local.slice(rawPath.length) };
}

/**
 * Encodes a decoded path again as the host does for `request.url`: a percent sign stays where two hexadecimal digits
 * follow. Source: `PathString.ToUriComponent` in dotnet/aspnetcore.
 */
export function encodePath(path: string): string {
  return path.replace(/%[\da-f]{2}|[^\w.~!$&'()*+,;=:@/-]/giu, (part) =>
    part.length === 3 && part.startsWith("%") ? part : encodeURIComponent(part),
  );
}

/**
 * Encodes path and query as the host's proxy sends them to the worker: every percent sign of the decoded path is
 * encoded, so `%2F` arrives as `%252F`, and in the query those without two digits. Source: `RequestUtilities.EncodePath`
 * in dotnet/yarp, and `System.Uri`.
 */
export function encodeForwardedTarget({ path, query }: RequestTarget): string {
  const encodedPath = path.replace(/[^\w.~!$&'()*+,;=:@/-]/gu, encodeURIComponent);
  return encodedPath + query.replace(/%(?![\da-f]{2})|["<>\\^`{|}]/gi, encodeURIComponent);
}

function decodePath(path: string): string {
  return path.replace(ENCODED_CHARACTER, (encoded) => {
    if (encoded.toLowerCase() === "%2f") return encoded;
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}

function removeDotSegments(path: string): string {
  const segments = path.split("/").slice(1);
  const kept: string[] = [];
  for (const [index, segment] of segments.entries()) {
    if (segment !== "." && segment !== "..") {
      kept.push(segment);
      continue;
    }
    if (segment === "..") kept.pop();
    if (index === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}
