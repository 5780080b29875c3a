import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFrontend } from "../../frontend/server.ts";
import { makePageFolder, send, serveFrontend } from "./fixture.ts";

const NO_BACKEND = { backendUrl: "http://127.0.0.1:1" };

describe("the page", () => {
  test.each([
    ["/", "text/html; charset=utf-8", "(index.html)"],
    ["/style.css", "text/css; charset=utf-8", "(style.css)"],
    ["/page.js", "text/javascript; charset=utf-8", "(page.js)"],
    ["/icon.svg", "image/svg+xml", "(icon.svg)"],
    ["/?from=sign-in", "text/html; charset=utf-8", "(index.html)"],
  ])("GET %s is served as %s, to be asked for again each time", async (path, contentType, content) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const { status, headers, body } = await send(url, path);
    expect({ status, body }).toEqual({ status: 200, body: content });
    expect(headers).toMatchObject({ "content-type": contentType, "cache-control": "no-cache" });
  });

  test("HEAD answers as GET does, without the body", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const get = await send(url, "/");
    const head = await send(url, "/", { method: "HEAD" });
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers).toMatchObject({ etag: get.headers.etag, "content-length": get.headers["content-length"] });
  });

  test.each([
    ["the tag", (etag: string) => etag],
    ["the weak tag", (etag: string) => `W/${etag}`],
    ["one of several tags", (etag: string) => `"old", ${etag}`],
    ["any tag", () => "*"],
  ])("answers 304 without a body when the browser holds %s", async (_which, ifNoneMatch) => {
    const { url } = await serveFrontend(NO_BACKEND);
    const etag = String((await send(url, "/style.css")).headers.etag);
    const again = await send(url, "/style.css", { headers: { "if-none-match": ifNoneMatch(etag) } });
    expect(again).toMatchObject({ status: 304, body: "", headers: { etag, "cache-control": "no-cache" } });
  });

  test("sends the file again when the browser holds another version", async () => {
    const { url } = await serveFrontend(NO_BACKEND);
    const answer = await send(url, "/style.css", { headers: { "if-none-match": '"old"' } });
    expect(answer).toMatchObject({ status: 200, body: "(style.css)" });
  });

  test("a missing file fails when the server is created, not at a user's request", () => {
    const pageFolder = makePageFolder();
    rmSync(join(pageFolder, "page.js"));
    expect(() => createFrontend({ ...NO_BACKEND, pageFolder })).toThrow("page.js");
  });
});
