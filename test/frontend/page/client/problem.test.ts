import { afterEach, describe, expect, test, vi } from "vitest";
import { problemFrom } from "../../../../frontend/page/client/problem.ts";

const PROBLEM = {
  type: "https://api.example/api/errors#consent_required",
  code: "consent_required",
  title: "An administrator's consent is missing",
  detail: "You are signed in, but …",
  correlationId: "c-1",
  adminConsentUrl: "https://login.example/adminconsent",
};

describe("the problem of an answer", () => {
  afterEach(() => vi.useRealTimers());

  test("is that of the API, in its words", async () => {
    expect(await problemFrom(answer(403, PROBLEM))).toEqual({ status: 403, ...PROBLEM });
  });

  test("has no member of a wrong type", async () => {
    const wrong = { code: "c", title: "t", type: 1, detail: 1, correlationId: {}, adminConsentUrl: [] };
    expect(await problemFrom(answer(403, wrong))).toEqual({ status: 403, code: "c", title: "t", detail: "" });
  });

  test.each([
    ["a proxy's page", 503, "<html>"],
    ["JSON that is no problem", 500, [1]],
    ["no body", 500, ""],
  ])("%s is an unexpected answer", async (_what, status, body) => {
    expect(await problemFrom(answer(status, body))).toMatchObject({ status, code: "unexpected_answer" });
  });

  test("for a bare 401 is a refusal without details", async () => {
    expect(await problemFrom(answer(401, ""))).toMatchObject({ status: 401, code: "sign_in_refused" });
  });

  test("for a redirect to the sign-in page says that the session has ended", async () => {
    const redirect = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
    expect(await problemFrom(redirect)).toMatchObject({ status: 401, code: "session_ended" });
  });

  test.each(["__proto__", "toString"])(
    "has the code %s when the API says so, and nothing of Object's own",
    async (code) => {
      expect(await problemFrom(answer(500, { code, title: "t" }))).toEqual({
        status: 500,
        code,
        title: "t",
        detail: "",
      });
    },
  );

  test.each([
    ["7", 7],
    ["0", 0],
    ["Sun, 22 Nov 2026 10:00:30 GMT", 30],
    ["Sun, 22 Nov 2026 09:00:00 GMT", 0],
    ["-1", 0],
    ["soon", undefined],
  ])("Retry-After %s means %s seconds", async (retryAfter, expected) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 10), toFake: ["Date"] });
    const { retryAfterSeconds } = await problemFrom(answer(503, PROBLEM, { "retry-after": retryAfter }));
    expect(retryAfterSeconds).toBe(expected);
  });

  test.each([
    [7, 7],
    ["7", 7],
    [-1, 0],
    [{}, undefined],
    [null, undefined],
  ])("retryAfter %j in the body, where CORS hides the header, means %s seconds", async (retryAfter, expected) => {
    vi.useFakeTimers({ now: Date.UTC(2026, 10, 22, 10), toFake: ["Date"] });
    expect((await problemFrom(answer(503, { ...PROBLEM, retryAfter }))).retryAfterSeconds).toBe(expected);
  });

  test("has the claims from the body, where CORS hides the header", async () => {
    const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
    const body = { ...PROBLEM, code: "claims_challenge", claims };
    expect(await problemFrom(answer(401, body))).toMatchObject({ claims });
  });

  test.each([
    ["of another code", 401, { ...PROBLEM, claims: "{}" }],
    ["of another status", 403, { ...PROBLEM, code: "claims_challenge", claims: "{}" }],
    ["that are no JSON", 401, { ...PROBLEM, code: "claims_challenge", claims: "{" }],
    ["that are no text", 401, { ...PROBLEM, code: "claims_challenge", claims: {} }],
  ])("has no claims from the body %s", async (_what, status, body) => {
    expect(await problemFrom(answer(status, body))).not.toHaveProperty("claims");
  });

  test.each([
    ["quoted", (claims: string) => `Bearer realm="", error="insufficient_claims", claims="${claims}"`],
    ["unquoted", (claims: string) => `Bearer error=insufficient_claims, claims=${claims}`],
  ])("has the claims that are asked for, %s", async (_how, challenge) => {
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
    const headers = { "www-authenticate": challenge(btoa(claims)) };
    expect(await problemFrom(answer(401, PROBLEM, headers))).toMatchObject({ claims });
  });

  test.each([
    ["of another error", 401, `Bearer error="invalid_token", claims="${btoa("{}")}"`],
    ["of a 403", 403, `Bearer error="insufficient_claims", claims="${btoa("{}")}"`],
    ["that are not base64", 401, 'Bearer error="insufficient_claims", claims="="'],
    ["that are no JSON object", 401, `Bearer error="insufficient_claims", claims="${btoa("[1]")}"`],
    ["that are missing", 401, 'Bearer error="insufficient_claims"'],
  ])("has no claims %s", async (_what, status, challenge) => {
    expect(await problemFrom(answer(status, PROBLEM, { "www-authenticate": challenge }))).not.toHaveProperty("claims");
  });
});

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(typeof body === "string" ? body : JSON.stringify(body), { status, headers });
}
