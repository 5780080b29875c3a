import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { createFrontend } from "../../frontend/server.ts";
import { makePageFolder, send, serveFrontend } from "./fixture.ts";

const NO_BACKEND = { backendUrl: "http://127.0.0.1:1" };
const STYLE = "/assets/style.css";

describe("the page", () => {
  test.each([
    ["/", "text/html; charset=utf-8", "(index.html)"],
    ["/signed-out", "text/html; charset=utf-8", "(signed-out.html)"],
    ["/api/errors", "text/html; charset=utf-8", "(errors.html)"],
    [STYLE, "text/css; charset=utf-8", "(style.css)"],
    ["/assets/page.js", "text/javascript; charset=utf-8", "(page.js)"],
    ["/assets/icon.svg", "image/svg+xml", "(icon.svg)"],
    ["/?from=sign-in", "text/html; charset=utf-8", "(index.html)"],
  ])("GET %s is served as %s, and revalidated each time", async (path, contentType, content) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { status, headers, body } = await send(url, path);
    expect({ status, body }).toEqual({ status: 200, body: content });
    expect(headers).toMatchObject({ "content-type": contentType, "cache-control": "private, no-cache" });
  });

  test("HEAD answers as GET does, without the body", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const get = await send(url, "/");
    const head = await send(url, "/", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers).toMatchObject({ etag: get.headers.etag, "content-length": get.headers["content-length"] });
  });

  test("a missing file fails when the server is created, not at a user's request", () => {
    const pageFolder = makePageFolder();
    rmSync(join(pageFolder, "page.js"));
    expect(() => createFrontend({ ...NO_BACKEND, pageFolder })).toThrow("page.js");
  });
});

describe("a file that the browser holds", () => {
  test.each([
    ["the tag", (etag: string) => etag],
    ["the weak tag", (etag: string) => `W/${etag}`],
    ["one of several tags", (etag: string) => `"old", ${etag}`],
    ["any tag", () => "*"],
  ])("is answered 304 without a body (If-None-Match: %s)", async (_which, ifNoneMatch) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const etag = String((await send(url, STYLE)).headers.etag);
    const again = await send(url, STYLE, { headers: { "if-none-match": ifNoneMatch(etag) } });
    expect(again).toMatchObject({ status: 304, body: "", headers: { etag, "cache-control": "private, no-cache" } });
  });

  test("is sent again when its version has changed", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const answer = await send(url, STYLE, { headers: { "if-none-match": '"old"' } });
    expect(answer).toMatchObject({ status: 200, body: "(style.css)" });
  });

  test.each(["/", "/signed-out", "/api/errors"])("never includes %s, whatever query a caller adds", async (path) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const [version = ""] = String((await send(url, path)).headers.etag)
      .slice(1)
      .split(/-[a-z]+"$/);
    const { headers } = await send(url, `${path}?v=${version}`);
    expect(headers["cache-control"]).toBe("private, no-cache");
  });

  test("is cached for ever only under its versioned address", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const [version = ""] = String((await send(url, STYLE)).headers.etag)
      .slice(1)
      .split(/-[a-z]+"$/);
    expect((await send(url, `${STYLE}?v=${version}`)).headers["cache-control"]).toContain("immutable");
    for (const query of [`?x=1&v=${version}`, `?x?v=${version}`, `?v=${version}&x=1`, "?v=", "?x=-D4c_x9Qz.css"]) {
      expect((await send(url, STYLE + query)).headers["cache-control"], query).toBe("private, no-cache");
    }
  });

  test("is cached for ever under the address in the page, which changes with a deployment", async () => {
    const pageFolder = pageWith("index.html", `<link href="${STYLE}" />`);
    const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder });
    const named = await styleAddressAt(url);
    const forEver = { "cache-control": "public, max-age=31536000, immutable" };
    expect(await send(url, named)).toMatchObject({ body: "(style.css)", headers: forEver });

    writeFileSync(join(pageFolder, "style.css"), "(new)");
    const deployed = await serveFrontend({ ...NO_BACKEND, pageFolder });
    const old = await send(deployed.url, named);
    expect(old).toMatchObject({ body: "(new)", headers: { "cache-control": "private, no-cache" } });
    expect(await send(deployed.url, await styleAddressAt(deployed.url))).toMatchObject({ headers: forEver });
  });
});

describe("a built single-page app in the page's folder", () => {
  function builtApp(): string {
    const pageFolder = makePageFolder();
    mkdirSync(join(pageFolder, "assets"));
    writeFileSync(join(pageFolder, "assets", "index-D4c_x9Qz.js"), "(app)");
    writeFileSync(join(pageFolder, "assets", "logo.png"), "(logo)");
    return pageFolder;
  }
  const opened = { accept: "text/html,application/xhtml+xml", "sec-fetch-mode": "navigate" };

  test("has assets that are cached for ever when their name has a hash of the content", async () => {
    const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder: builtApp() });
    expect(await send(url, "/assets/index-D4c_x9Qz.js")).toMatchObject({
      body: "(app)",
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "public, max-age=31536000, immutable",
      },
    });
    expect(await send(url, "/assets/logo.png")).toMatchObject({
      headers: { "content-type": "image/png", "cache-control": "private, no-cache" },
    });
    expect(await send(url, "/assets/style.css")).toMatchObject({ headers: { "cache-control": "private, no-cache" } });
  });

  test.each(["/orders", "/orders/7?open=1", "/a/b/c"])("answers its client route %s with its page", async (path) => {
    const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder: builtApp() });
    expect(await send(url, path, { headers: opened })).toMatchObject({ status: 200, body: "(index.html)" });
  });

  test.each([
    ["/assets/gone-D4c_x9Qz.js", opened],
    ["/assets/../../secret", { accept: "*/*" }],
    ["/orders", { accept: "application/json" }],
    ["/.auth/nothing", opened],
  ])("answers %s for %j with 404, not with its page", async (path, headers) => {
    const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder: builtApp() });
    expect(await send(url, path, { headers })).toMatchObject({ status: 404 });
  });

  test.each(["/health", "/session"])("leaves %s to the server, also when a person opens it", async (path) => {
    const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder: builtApp() });
    const { headers } = await send(url, path, { headers: opened });
    expect(headers["content-type"]).toBe("application/json");
  });

  test("is needed for client routes: without one, an unknown address is 404", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    expect(await send(url, "/orders", { headers: opened })).toMatchObject({ status: 404 });
  });
});

describe("compression", () => {
  const content = "body { color: red }\n".repeat(200);

  test.each([
    ["gzip, deflate, br, zstd", "br", (body: Buffer) => brotliDecompressSync(body)],
    ["gzip;q=1.0, identity;q=0.5", "gzip", (body: Buffer) => gunzipSync(body)],
    ["br;q=0, gzip", "gzip", (body: Buffer) => gunzipSync(body)],
    ["identity", undefined, (body: Buffer) => body],
    ["", undefined, (body: Buffer) => body],
  ])(
    "for Accept-Encoding %j is %s (undefined: none), with an ETag of its own",
    async (acceptEncoding, expected, decompress) => {
      const { url } = await serveFrontend({ ...NO_BACKEND, pageFolder: pageWith("style.css", content) });
      const plain = await send(url, STYLE);
      const { headers, bytes } = await send(url, STYLE, { headers: { "accept-encoding": acceptEncoding } });
      expect(headers["content-encoding"]).toBe(expected);
      expect(headers.vary).toBe("accept-encoding");
      expect(decompress(bytes).toString()).toBe(content);
      expect(headers.etag === plain.headers.etag).toBe(expected === undefined);
      expect(bytes.length < content.length / 10).toBe(expected !== undefined);
    },
  );
});

function pageWith(name: string, content: string): string {
  const folder = makePageFolder();
  writeFileSync(join(folder, name), content);
  return folder;
}

async function styleAddressAt(url: string): Promise<string> {
  return /href="([^"]+)"/.exec((await send(url, "/")).body)?.[1] ?? "";
}
