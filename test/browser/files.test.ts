import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { newUser, seeTitle, signIn, stack, useBrowser } from "./fixture.ts";

const CONTENT = "<script>alert(1)</script>";

useBrowser({ files: [{ name: "a page.html", content: CONTENT, contentType: "text/html" }] });

test("a link downloads any file from Storage itself, without a certificate warning", async () => {
  const page = await newUser();
  await signIn(page, "works");
  await seeTitle(page, "Adele Vance");
  const downloading = page.waitForEvent("download");
  await page.evaluate(() => {
    const link = document.createElement("a");
    link.href = "/api/files/a%20page.html";
    link.textContent = "file";
    document.body.append(link);
    link.click();
  });
  const download = await downloading;
  expect(new URL(download.url()).origin).toBe(new URL(stack.storage?.publicUrl ?? "").origin);
  expect(download.suggestedFilename()).toBe("a page.html");
  expect(await readFile(await download.path(), "utf8")).toBe(CONTENT);
  expect(page.url()).toBe(`${stack.frontendUrl}/`);
});
