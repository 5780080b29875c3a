import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { claimsIn, isConsentMissing } from "../../src/downstream/claims-challenge.ts";

const CLAIMS = '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}';
const ENCODED = Buffer.from(CLAIMS).toString("base64");
const PADDED = '{"access_token":{"ab":1}}';
const ENCODED_PADDED = Buffer.from(PADDED).toString("base64");

describe("claims in WWW-Authenticate", () => {
  test.each<[string, string | string[]]>([
    // https://learn.microsoft.com/entra/identity-platform/claims-challenge#claims-challenge-header-format
    [
      "in the form that Microsoft documents",
      `Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="insufficient_claims", claims="${ENCODED}"`,
    ],
    [
      "in the form that Graph sends, with the address unquoted",
      `Bearer realm="", authorization_uri=https://login.microsoftonline.com/common/oauth2/v2.0/authorize, client_id="00000003-0000-0000-c000-000000000000", errorDescription="Continuous access evaluation resulted in challenge with result: InteractionRequired", error="insufficient_claims", claims="${ENCODED}"`,
    ],
    ["unquoted", `Bearer error=insufficient_claims, claims=${ENCODED}`],
    ["with spaces around the equals signs", `Bearer error = "insufficient_claims" , claims = "${ENCODED}"`],
    ["without commas", `Bearer error="insufficient_claims" claims="${ENCODED}"`],
    ["in another order and case", `bearer Claims="${ENCODED}", Error="insufficient_claims"`],
    ["after another scheme", `Basic realm="x", Bearer error="insufficient_claims", claims="${ENCODED}"`],
    ["without an error", `Bearer claims="${ENCODED}"`],
    ["as JSON in quotes", `Bearer error="insufficient_claims", claims="${CLAIMS}"`],
    [
      "as Microsoft.Identity.Web sends them",
      `Bearer consentUri="https://login.microsoftonline.com/x", claims="${CLAIMS}", scopes="api://x/y", proposedAction="consent"`,
    ],
    ["in one of two headers", ['Basic realm="x"', `Bearer error="insufficient_claims", claims="${ENCODED}"`]],
  ])("are found %s", (_, header) => {
    expect(claimsIn(header)).toBe(CLAIMS);
  });

  test.each([`claims="${ENCODED_PADDED}"`, `claims=${ENCODED_PADDED}`])("keep their base64 padding: %s", (claims) => {
    expect(ENCODED_PADDED).toMatch(/=$/);
    expect(claimsIn(`Bearer error="insufficient_claims", ${claims}`)).toBe(PADDED);
  });

  test.each<[string, string | undefined]>([
    ["no header", undefined],
    ["an empty one", ""],
    ["another error", `Bearer error="invalid_token", claims="${ENCODED}"`],
    ["another scheme", `PoP error="insufficient_claims", claims="${ENCODED}"`],
    ["no claims", 'Bearer error="insufficient_claims"'],
    ["claims that are not JSON", 'Bearer error="insufficient_claims", claims="bm90IGpzb24="'],
    ...["null", '"nbf"', "[]", "1"].map((member): [string, string] => {
      const claims = Buffer.from(`{"access_token":${member}}`).toString("base64");
      return [`claims whose access_token is ${member}`, `Bearer error="insufficient_claims", claims="${claims}"`];
    }),
    ["claims that are a list", `Bearer error="insufficient_claims", claims="${Buffer.from("[1]").toString("base64")}"`],
    ["more than 8 kB", `Bearer error="insufficient_claims", claims="${ENCODED}", x="${"x".repeat(8192)}"`],
  ])("are not found in %s", (_, header) => {
    expect(claimsIn(header)).toBeUndefined();
  });

  test("are read from garbage without a failure", () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom("Bearer ", "claims=", 'error="insufficient_claims"', '"', "\\", ",", "="),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const claims = claimsIn(pieces.join(""));
        expect(claims === undefined || typeof JSON.parse(claims) === "object").toBe(true);
      }),
      { numRuns: 10_000 },
    );
  });

  test("are looked for in time that grows with the header, not with its square", () => {
    const hostile = [`Bearer ${'a="\\'.repeat(1500)}`, `Bearer ${"a ".repeat(4000)}`, `Bearer ${"=".repeat(8000)}`];
    for (const header of hostile) expect(claimsIn(header)).toBeUndefined();
    // A parser that starts again at every letter would take a third of a second for each, and exceed the test's time-out.
    for (let tries = 0; tries < 300; tries += 1) expect(claimsIn(`Bearer ${"a".repeat(8180)}`)).toBeUndefined();
  });
});

describe("a 403 that names where to consent", () => {
  const consentUri =
    'consentUri="https://login.microsoftonline.com/common/adminconsent", claims="", proposedAction="consent"';

  test.each<[number, string, boolean]>([
    [403, `Bearer ${consentUri}`, true],
    [403, `Bearer realm="", ${consentUri}`, true],
    [401, `Bearer ${consentUri}`, false],
    [403, `Bearer ${consentUri.replace('claims=""', `claims="${CLAIMS}"`)}`, false],
    [403, 'Bearer consentUri=""', false],
    [403, 'Bearer error="insufficient_scope"', false],
    [403, "", false],
  ])("%i %s lacks consent: %s", (statusCode, header, expected) => {
    expect(isConsentMissing({ statusCode, headers: { "www-authenticate": header } })).toBe(expected);
  });
});
