import fc from "fast-check";
import { request } from "undici";
import { beforeAll, expect, test } from "vitest";
import { startStack, type TestStack } from "./support/stack.ts";

const AT_ONCE = 50;
const ROUNDS = 20;

let stack: TestStack;
let token: string;
beforeAll(async () => {
  stack = await startStack();
  token = await stack.token("works");
});

/** Text that the Functions host takes in a header: visible ASCII, spaces, and the upper half of Latin 1 as UTF-8. */
const fieldValue = fc
  .string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 200,
  })
  .map((text) => Buffer.from(text).toString("latin1"));

/** A real token with one defect, so that it passes the first checks. */
const brokenToken = fc
  .tuple(
    fc.nat(),
    fc.string({ unit: fc.constantFrom("a", "Z", "0", "-", "_", ".", "=", "e30"), minLength: 1, maxLength: 20 }),
  )
  .map(([place, noise]) => {
    const at = place % token.length;
    return token.slice(0, at) + noise + token.slice(at + noise.length);
  })
  .filter((broken) => bytesOf(broken) !== bytesOf(token));

/** Returns the bytes of a token's part: the last character has bits without meaning (RFC 4648, 3.5). */
function bytesOf(text: string): string {
  return text
    .split(".")
    .map((part) => Buffer.from(part, "base64url").toString("hex"))
    .join(".");
}

const authorization = fc.oneof(
  fieldValue,
  brokenToken.map((broken) => `Bearer ${broken}`),
  fieldValue.map((value) => `Bearer ${value}`),
  fc.constantFrom("Bearer", "Bearer ", "bearer a.b.c", "Basic x", "Bearer Bearer x", "Bearer a, Bearer b", "Negotiate"),
);

const headers = fc.record(
  {
    authorization,
    "x-ms-token-aad-access-token": fc.oneof(fieldValue, brokenToken),
    "x-ms-token-aad-id-token": fieldValue,
    "x-ms-client-principal": fc.oneof(fieldValue, fc.base64String()),
    "x-ms-client-principal-id": fieldValue,
    "x-ms-client-principal-name": fieldValue,
    "x-ms-client-principal-idp": fieldValue,
    traceparent: fieldValue,
  },
  { requiredKeys: [] },
);

test(`${AT_ONCE * ROUNDS} requests with random headers are each refused with 401: no crash, no hang, no 500, no profile`, async () => {
  const asked = stack.tokenRequests.length;
  await fc.assert(
    fc.asyncProperty(fc.array(headers, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (many) => {
      await Promise.all(
        many.map(async (some) => {
          const answer = await request(`${stack.functions.url}/api/profile`, { headers: some });
          const problem = (await answer.body.json()) as { code: string };
          expect(answer.statusCode, JSON.stringify(some)).toBe(401);
          expect(["not_signed_in", "token_rejected", "token_expired"]).toContain(problem.code);
        }),
      );
    }),
    { numRuns: ROUNDS, endOnFailure: true },
  );
  expect(stack.tokenRequests.length, "Entra is never asked").toBe(asked);
}, 120_000);
