import { describe, expect, test } from "vitest";
import { remedyFor } from "../../frontend/page/remedy.ts";

describe("what the page offers", () => {
  test.each(["not_signed_in", "token_expired", "token_rejected", "claims_challenge"])(
    "%s: to sign in again",
    (code) => {
      expect(remedyFor(problem(401, code), "/?view=a&b=1")).toEqual({
        kind: "sign-in",
        href: "/.auth/login/aad?post_login_redirect_uri=%2F%3Fview%3Da%26b%3D1",
      });
    },
  );

  test("consent_required: to ask an administrator, who gets a link when the API gives one", () => {
    const adminConsentUrl = "https://login.example/adminconsent?client_id=1";
    const withLink = { ...problem(403, "consent_required"), adminConsentUrl };
    expect(remedyFor(withLink, "/")).toEqual({ kind: "ask-administrator", consentHref: adminConsentUrl });
    const without = problem(403, "consent_required");
    expect(remedyFor(without, "/")).toEqual({ kind: "ask-administrator", consentHref: undefined });
  });

  test.each(["http://login.example/", "javascript:alert(1)", "/adminconsent", ""])(
    "an administrator's link %j is not offered, it is not https",
    (adminConsentUrl) => {
      const remedy = remedyFor({ ...problem(403, "consent_required"), adminConsentUrl }, "/");
      expect(remedy).toEqual({ kind: "ask-administrator", consentHref: undefined });
    },
  );

  test.each([
    [403, "blocked_by_policy"],
    [502, "downstream_failed"],
    [503, "throttled"],
    [0, "unreachable"],
  ])("%i %s: to try again", (status, code) => {
    expect(remedyFor(problem(status, code), "/")).toEqual({ kind: "try-again" });
  });
});

function problem(status: number, code: string) {
  return { status, code, title: "", detail: "" };
}
