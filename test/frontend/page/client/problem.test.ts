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

  test("is the API's, in the API's words", async () => {
    expect(await problemFrom(answer(403, PROBLEM))).toEqual({ status: 403, ...PROBLEM });
  });

  test("holds no member that has another type than it should", async () => {
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

  test("a bare 401 means that the session has ended", async () => {
    expect(await problemFrom(answer(401, ""))).toMatchObject({ status: 401, code: "session_ended" });
  });

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
