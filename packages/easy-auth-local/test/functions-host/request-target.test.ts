import { describe, expect, test } from "vitest";
import { encodeForwardedTarget, encodePath, readTarget } from "../../src/functions-host/request-target.ts";

function pathOf(target: string): string | undefined {
  return readTarget(target, "localhost:1")?.path;
}

/** Paths from dotnet/aspnetcore's own tests and from the recorded answers. */
describe("a request target", () => {
  test.each([
    ["/a%20b", "/a b"],
    ["/a%2Fb", "/a%2Fb"],
    ["/a%2fb%20c", "/a%2fb c"],
    ["/a%252Fb", "/a%2Fb"],
    ["/%C3%A9", "/é"],
    ["/%F0%9F%98%80", "/😀"],
    ["/100%", "/100%"],
    ["/%zz", "/%zz"],
    ["/a+b", "/a+b"],
    ["/%C3%A9%ff%41", "/é%ffA"],
    ["/%c0%ae%c0%ae/b", "/%c0%ae%c0%ae/b"],
    ["/%ed%a0%80", "/%ed%a0%80"],
    ["/a/../b", "/b"],
    ["/a/%2e%2e/b", "/b"],
    ["/a/.%2E/b", "/b"],
    ["/a/./b", "/a/b"],
    ["/../../b", "/b"],
    ["/a/..", "/"],
    ["/a/b/..", "/a/"],
    ["/a/.", "/a/"],
    ["/a/..%2Fb", "/a/..%2Fb"],
    ["/a/.../b", "/a/.../b"],
    ["/a//b", "/a//b"],
    ["/a/..\\b", "/a/..\\b"],
    ["http://localhost:1/a", "/a"],
    ["http://localhost:1", "/"],
    ["*", "*"],
  ])("%s has the path %s", (target, path) => {
    expect(pathOf(target)).toBe(path);
  });

  test.each(["/a%00b", "/a#b", "?a=b", "a", "", "http://other.example/a"])("%j is refused", (target) => {
    expect(readTarget(target, "localhost:1")).toBeUndefined();
  });

  test("keeps its query as it is", () => {
    expect(readTarget("/a?b=%2e%2e/../?", "localhost:1")?.query).toBe("?b=%2e%2e/../?");
  });
});

describe("a decoded path", () => {
  test.each([
    ["/a b", "/a%20b", "/a%20b"],
    ["/a%2Fb", "/a%2Fb", "/a%252Fb"],
    ["/%ff%fe", "/%ff%fe", "/%25ff%25fe"],
    ["/100%", "/100%25", "/100%25"],
    ["/é😀", "/%C3%A9%F0%9F%98%80", "/%C3%A9%F0%9F%98%80"],
    ["/a\\|{b}^`", "/a%5C%7C%7Bb%7D%5E%60", "/a%5C%7C%7Bb%7D%5E%60"],
    ["/a;b=c,d!$&'()*+:@~", "/a;b=c,d!$&'()*+:@~", "/a;b=c,d!$&'()*+:@~"],
  ])("%s becomes %s in request.url, and %s for the worker", (path, url, forwarded) => {
    expect(encodePath(path)).toBe(url);
    expect(encodeForwardedTarget({ path, query: "" })).toBe(forwarded);
  });

  test("reaches the worker with a query whose lone percent signs are encoded", () => {
    expect(encodeForwardedTarget({ path: "/a", query: "?a=%zz&b=%20&c=%" })).toBe("/a?a=%25zz&b=%20&c=%25");
  });
});
