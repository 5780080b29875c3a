import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redirectIn } from "../../src/downstream/redirect.ts";

const ORIGIN = "https://graph.contoso.example";
const REQUEST = {
  url: new URL(`${ORIGIN}/me`),
  method: "GET",
  headers: { authorization: "Bearer token", cookie: "c", "client-request-id": "1", accept: "*/*" },
  signal: new AbortController().signal,
};

const piece = fc.oneof(
  fc.constantFrom("https://", "http://", "//", "/", "\\", "@", ":443", ":8443", "?", "#", "..", "javascript:"),
  fc.constantFrom("graph.contoso.example", "evil.example"),
  fc.string(),
);

describe("a redirect", () => {
  test.each([true, false])(
    "takes no token to another origin, however its address is written (other origins allowed: %s)",
    (may) => {
      fc.assert(
        fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
          const answer = { statusCode: 302, headers: { location: pieces.join("") } };
          const next = redirectIn(REQUEST, answer, may);
          if (!next) return;
          const { origin, protocol } = next.url;
          expect(protocol).toBe("https:");
          // The host would put another service's text, and a tenant's name, into spans and metrics.
          expect(next.server).toBe(origin === ORIGIN ? undefined : "another host");
          if (origin === ORIGIN) return;
          expect([may, next.headers]).toEqual([true, { accept: "*/*" }]);
        }),
        { numRuns: 3000 },
      );
    },
  );
});
