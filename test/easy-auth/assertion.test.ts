import { describe, expect, test } from "vitest";
import { ACCESS_TOKEN_HEADER, assertionFrom } from "../../src/easy-auth/assertion.ts";
import type { AppError } from "../../src/errors.ts";

function codeOf(headers: Record<string, string>): string {
  try {
    return `took ${assertionFrom(new Headers(headers))}`;
  } catch (error) {
    return (error as AppError).code;
  }
}

describe("the assertion", () => {
  test("is the bearer token, even when Easy Auth's header holds another", () => {
    expect(codeOf({ authorization: "Bearer a.b.sign", [ACCESS_TOKEN_HEADER]: "d.e.sign" })).toBe("took a.b.sign");
  });

  test("is Easy Auth's access token when there is no bearer token", () => {
    expect(codeOf({ [ACCESS_TOKEN_HEADER]: "d.e.sign" })).toBe("took d.e.sign");
    expect(codeOf({ authorization: "Basic dXNlcjpwYXNz", [ACCESS_TOKEN_HEADER]: "d.e.sign" })).toBe("took d.e.sign");
  });

  test.each([
    ["bearer a.b.sign", "took a.b.sign"],
    ["BEARER   a.b.sign  ", "took a.b.sign"],
    ["Bearer", "token_rejected"],
    ["Bearer ", "token_rejected"],
    ["Bearer a b", "token_rejected"],
    ["Bearer a,Bearer b", "token_rejected"],
    ["Bearer a, Bearer b", "token_rejected"],
    ['Bearer "a"', "token_rejected"],
    [`Bearer ${"a".repeat(16_385)}`, "token_rejected"],
    ["Bearerx a.b.sign", "not_signed_in"],
    ["Basic dXNlcjpwYXNz", "not_signed_in"],
    ["", "not_signed_in"],
  ])("of Authorization: %.40s → %s", (authorization, expected) => {
    expect(codeOf({ authorization })).toBe(expected);
  });

  test.each([
    ["c2lnbg", "took a.b.c2lnbg"],
    ["c2lnbh", "token_rejected"],
    ["c2lnbg=", "token_rejected"],
    ["c2lnbg==", "token_rejected"],
    ["c2ln/g", "token_rejected"],
    ["c", "token_rejected"],
  ])("has one spelling, so that one token is one exchange: signature %s → %s", (signature, expected) => {
    expect(codeOf({ authorization: `Bearer a.b.${signature}` })).toBe(expected);
    expect(codeOf({ [ACCESS_TOKEN_HEADER]: `a.b.${signature}` })).toBe(expected);
  });

  test("is never taken from the ID token's header", () => {
    expect(codeOf({ "x-ms-token-aad-id-token": "a.b.sign" })).toBe("not_signed_in");
  });

  test("does not fall back to Easy Auth's header when the bearer token is malformed", () => {
    expect(codeOf({ authorization: "Bearer a b", [ACCESS_TOKEN_HEADER]: "d.e.sign" })).toBe("token_rejected");
  });
});
