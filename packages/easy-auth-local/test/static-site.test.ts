import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LoopbackServer } from "../src/http/loopback-server.ts";
import { startStaticSite } from "../src/stack/static-site.ts";

let folder: string;
let site: LoopbackServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "static-site-"));
  await mkdir(join(folder, "assets"));
  await writeFile(join(folder, "index.html"), "<title>Page</title>");
  await writeFile(join(folder, "about.html"), "<title>About</title>");
  await writeFile(join(folder, "assets/app-1a2b.js"), "0123456789");
  await writeFile(join(folder, ".env"), "SECRET=1");
  site = await startStaticSite(folder);
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true });
});

async function get(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(`${site.url}${path}`, { headers, redirect: "manual" });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe("a folder's site", () => {
  test.each([
    ["/", "<title>Page</title>"],
    ["/orders/7", "<title>Page</title>"],
    ["/orders/?a=b.c", "<title>Page</title>"],
    ["/about", "<title>About</title>"],
    ["/assets/app-1a2b.js?v=1", "0123456789"],
  ])("serves %s", async (path, text) => {
    expect(await get(path)).toMatchObject({ status: 200, text });
  });

  test.each(["/.env", "/assets/gone.js", "/%2e%2e/package.json", "/..%2fpackage.json"])(
    "does not serve %s",
    async (path) => {
      const { status, text } = await get(path);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain("SECRET");
    },
  );

  test("is revalidated at each load", async () => {
    expect((await get("/assets/app-1a2b.js")).headers.get("cache-control")).toBe("no-store");
  });

  test.each([
    ["bytes=2-4", 206, "234"],
    ["bytes=8-99", 206, "89"],
    ["bytes=99-", 416, undefined],
    // A range whose end is before its start once ended the process.
    ["bytes=5-2", 416, undefined],
    ["bytes=x-y", 200, "0123456789"],
    ["bytes=--1", 200, "0123456789"],
    ["lines=1-2", 200, "0123456789"],
  ])("answers Range: %s", async (range, status, text) => {
    const answer = await get("/assets/app-1a2b.js", { range });
    expect(answer.status).toBe(status);
    if (text !== undefined) expect(answer.text).toBe(text);
  });

  test.each(["/%", "/%00", "/a%zz.js", `/${"a".repeat(5000)}`])("survives a request for %s", async (path) => {
    await get(path);
    expect((await get("/")).status).toBe(200);
  });

  test("survives files that appear and vanish while it reads them", async () => {
    const file = join(folder, "assets/big.bin");
    for (let round = 0; round < 20; round += 1) {
      await writeFile(file, Buffer.alloc(200_000));
      const reading = Array.from({ length: 5 }, () => get("/assets/big.bin").catch(() => undefined));
      await rm(file);
      await Promise.all(reading);
    }
    expect((await get("/")).status).toBe(200);
  });
});
