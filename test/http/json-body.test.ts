import { HttpRequest } from "@azure/functions";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { AppError } from "../../src/errors.ts";
import { jsonBodyOf } from "../../src/http/json-body.ts";

const JSON_TYPE = "application/json";
const ORDER = z.object({ name: z.string(), items: z.array(z.object({ count: z.number().int() })) });

function requestWith(body: string | Uint8Array, contentType = JSON_TYPE): HttpRequest {
  const bytes = typeof body === "string" ? { string: body } : { bytes: body };
  return new HttpRequest({
    ...{ method: "POST", url: "http://localhost/api/x", body: bytes },
    headers: { ...(contentType && { "content-type": contentType }) },
  });
}

async function refusalOf(request: HttpRequest, schema?: StandardSchemaV1<unknown>): Promise<string> {
  const { code, detail } = await jsonBodyOf(request, schema).then(
    () => ({ code: "taken", detail: "" }),
    (error: AppError) => error,
  );
  return `${code} ${detail}`;
}

describe("a request's JSON", () => {
  test.each<[string, unknown]>([
    ['{"a":[1,null]}', { a: [1, null] }],
    ["3", 3],
    ['"ä€"', "ä€"],
    [" [] ", []],
  ])("%s is read", async (text, value) => {
    expect(await jsonBodyOf(requestWith(text))).toEqual(value);
  });

  test.each(["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"])(
    "may have the content type %s",
    async (contentType) => {
      expect(await jsonBodyOf(requestWith("1", contentType))).toBe(1);
    },
  );

  test.each<[string, HttpRequest, RegExp]>([
    ["that breaks off", requestWith('{"a":'), /^invalid_request The body is not valid JSON\.$/],
    ["that is something else", requestWith("name=x"), /not valid JSON/],
    ["that is empty", requestWith(" "), /^invalid_request The body is empty/],
    ["of a form", requestWith("a=1", "application/x-www-form-urlencoded"), /Content-Type: application\/json/],
    ["of no type", requestWith("{}", ""), /Content-Type: application\/json/],
    ["of a type that only looks like it", requestWith("{}", "application/jsonp"), /Content-Type/],
    ["that is no UTF-8", requestWith(new Uint8Array([34, 255, 34])), /not UTF-8/],
    ["of more than a megabyte", requestWith(`"${"x".repeat(1_048_577)}"`), /at most 1048576 bytes/],
  ])("%s is refused, saying why", async (_, request, expected) => {
    expect(await refusalOf(request)).toMatch(expected);
  });

  test("that announces too great a length is not read", async () => {
    const request = requestWith("{}");
    request.headers.set("content-length", "1048577");
    expect(await refusalOf(request)).toMatch(/at most 1048576 bytes/);
    expect(request.bodyUsed).toBe(false);
  });
});

describe("a schema of the Standard Schema kind", () => {
  test("returns its own output for the body, with its type", async () => {
    const order = await jsonBodyOf(requestWith('{"name":"a","items":[],"more":1}'), ORDER);
    expect(order.items.length).toBe(0);
    expect(order).toEqual({ name: "a", items: [] });
  });

  test("says what is wrong with each member, and where it is", async () => {
    const refusal = await refusalOf(requestWith('{"items":[{"count":"1"}]}'), ORDER);
    expect(refusal).toMatch(/^invalid_request name: .*\. items\.0\.count: .*\.$/);
  });

  test("may be asynchronous, and reports at most five problems of 200 characters", async () => {
    const issues = Array.from({ length: 9 }, () => ({ message: "x".repeat(1000), path: [{ key: "a" }] }));
    const refusal = await refusalOf(requestWith("{}"), {
      "~standard": { version: 1, vendor: "test", validate: async () => ({ issues }) },
    });
    expect(refusal.match(/a: x+\./g)).toHaveLength(5);
    expect(refusal.length).toBeLessThan(1100);
  });
});
