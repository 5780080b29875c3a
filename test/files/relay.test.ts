import type { StoredFile } from "easy-auth-local";
import { beforeAll, describe, expect, test } from "vitest";
import { startStack, type TestStack } from "../support/stack.ts";

const TEXT = "0123456789";
const MOST = 16 * 1_048_576;

const FILES: readonly StoredFile[] = [
  { name: "a b.txt", content: TEXT, contentType: "text/plain" },
  { name: "empty.bin", content: "" },
  { name: "large.bin", content: Buffer.alloc(MOST + 1, "x") },
  { name: "page.html", content: "<script>alert(1)</script>", contentType: "text/html" },
  { name: "zipped.txt", content: Buffer.from([31, 139]), contentEncoding: "br" },
];

let stack: TestStack;
let etag: string;
let lastModified: string;
beforeAll(async () => {
  stack = await startStack({ files: FILES, settings: { STORAGE_DELIVERY: "relay" } });
  const { headers } = await get("a%20b.txt");
  etag = headers.get("etag") ?? "";
  lastModified = headers.get("last-modified") ?? "";
}, 60_000);

async function get(name: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  const authorization = `Bearer ${await stack.token("works")}`;
  return fetch(`${stack.apiUrl}/api/files/${name}`, { method, headers: { ...headers, authorization } });
}

async function codeOf(response: Response): Promise<string> {
  return `${response.status} ${((await response.json()) as { code: string }).code}`;
}

describe("GET /api/files/{name} where callers cannot reach Storage", () => {
  test("answers the file's bytes, not to be cached by proxies or run as a page", async () => {
    const response = await get("page.html");
    expect([response.status, await response.text()]).toEqual([200, "<script>alert(1)</script>"]);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/html",
      "content-disposition": "attachment; filename*=UTF-8''page.html",
      "content-security-policy": "sandbox; default-src 'none'",
      "cross-origin-resource-policy": "same-origin",
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-cache",
      "accept-ranges": "bytes",
      etag: expect.stringMatching(/^"0x/),
      "last-modified": expect.stringMatching(/GMT$/),
    });
  });

  test("answers an empty file", async () => {
    const response = await get("empty.bin");
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("answers HEAD with the length and no bytes", async () => {
    const { status, headers } = await get("a%20b.txt", {}, "HEAD");
    expect([status, headers.get("content-length"), headers.get("etag")]).toEqual([200, "10", etag]);
  });

  test("passes the file's content encoding on", async () => {
    expect((await get("zipped.txt", {}, "HEAD")).headers.get("content-encoding")).toBe("br");
  });

  test("answers 206 for a part", async () => {
    const response = await get("a%20b.txt", { range: "bytes=2-5" });
    expect([response.status, await response.text()]).toEqual([206, "2345"]);
    expect(response.headers.get("content-range")).toBe("bytes 2-5/10");
  });

  test.each(["bytes=10-", "bytes=20-30", "bytes=-0"])(
    "answers 416 for %s, and says how long the file is, so that a client knows that it has all",
    async (range) => {
      const response = await get("a%20b.txt", { range });
      expect(response.headers.get("content-range")).toBe("bytes */10");
      expect(await codeOf(response)).toBe("416 range_not_satisfiable");
    },
  );

  test("answers 304 with the file's ETag, and 412, by the conditions of RFC 9110", async () => {
    const known = await get("a%20b.txt", { "if-none-match": `"other", ${etag}` });
    expect([known.status, known.headers.get("etag"), await known.text()]).toEqual([304, etag, ""]);
    expect((await get("a%20b.txt", { "if-modified-since": lastModified })).status).toBe(304);
    expect(await codeOf(await get("a%20b.txt", { "if-match": '"other"' }))).toBe("412 precondition_failed");
    const longAgo = "Wed, 21 Oct 2015 07:28:00 GMT";
    expect((await get("a%20b.txt", { "if-unmodified-since": longAgo })).status).toBe(412);
  });

  test("gives a file of more than 16 MiB in parts, and says so", async () => {
    for (const headers of [{}, { range: "bytes=0-" }]) {
      const response = await get("large.bin", headers);
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({
          code: "invalid_request",
          detail: expect.stringContaining("Range: bytes=0-16777215"),
        }),
      ]);
    }
    const part = await get("large.bin", { range: "bytes=0-16777215" });
    expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, MOST]);
    expect(await (await get("large.bin", { range: `bytes=${MOST}-` })).text()).toBe("x");
  }, 30_000);

  test("gives one user two such parts at a time", async () => {
    const range = { range: "bytes=0-16777215" };
    const statuses = await Promise.all([1, 2, 3].map(async () => (await get("large.bin", range)).status));
    expect(statuses.sort()).toEqual([206, 206, 503]);
  }, 30_000);

  test("answers 404 for a missing file", async () => {
    expect(await codeOf(await get("none.txt"))).toBe("404 not_found");
  });
});
