import { hash } from "node:crypto";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";

/**
 * An answer whose bytes a browser may keep but has to ask for again each time, so that nobody sees what the user before
 * them on that browser was sent: 304 without the bytes when the caller has them already.
 */
export function revalidated(request: HttpRequest, bytes: Uint8Array, contentType: string): HttpResponseInit {
  const etag = `"${hash("sha256", bytes, "base64url")}"`;
  const headers = { etag, "cache-control": "private, no-cache" };
  if (isKnown(request, etag)) return { status: 304, headers };
  return { headers: { ...headers, "content-type": contentType }, body: bytes };
}

/** The weak comparison of https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2 */
function isKnown({ headers }: HttpRequest, etag: string): boolean {
  const known = (headers.get("if-none-match") ?? "").split(",").map((entry) => entry.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}
