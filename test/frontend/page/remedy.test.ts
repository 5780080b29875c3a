import { describe, expect, test } from "vitest";
import { consentLink, explanationLink, remedyFor } from "../../../frontend/page/remedy.ts";

describe("what the page offers", () => {
  test.each([
    [401, "token_expired", "sign-in", "You"],
    [401, "claims_challenge", "sign-in", "You"],
    [401, "a_code_of_tomorrow", "sign-in", "You"],
    [401, "sign_in_refused", "sign-in", "You"],
    [403, "app_refused", "try-again", "The people who run this app"],
    [403, "consent_required", "ask-administrator", "An administrator"],
    [403, "blocked_by_policy", "try-again", "An administrator"],
    [403, "user_not_assigned", "try-again", "An administrator"],
    [403, "insufficient_scope", "try-again", "The people who run this app"],
    [500, "misconfigured", "try-again", "The people who run this app"],
    [400, "a_code_of_tomorrow", "try-again", "The people who run this app"],
    [502, "downstream_failed", "try-again", "Nobody has to"],
    [503, "throttled", "try-again", "Nobody has to"],
    [504, "api_timeout", "try-again", "Nobody has to"],
    [0, "timed_out", "try-again", "Nobody has to"],
    [0, "offline", "try-again", "You"],
    [401, "__proto__", "sign-in", "You"],
    [500, "toString", "try-again", "The people who run this app"],
    [503, "constructor", "try-again", "Nobody has to"],
  ])("for %i %s is %s; who can fix it: %s", (status, code, action, who) => {
    expect(remedyFor({ status, code, title: "", detail: "" })).toEqual({
      action,
      whatToDo: expect.stringMatching(/\w/),
      who: expect.stringMatching(new RegExp(`^${who}`)),
    });
  });
});

describe("an administrator's link", () => {
  test.each(["https://login.example/adminconsent?client_id=1", "http://localhost:4282/adminconsent?client_id=1"])(
    "is the one that the API gives: %s",
    (adminConsentUrl) => {
      expect(consentLink(problem({ adminConsentUrl }))).toBe(adminConsentUrl);
    },
  );

  test.each([
    undefined,
    "http://login.example/",
    "http://localhost.example:80/",
    "javascript:alert(1)",
    "/adminconsent",
    "",
  ])("is not offered when it is neither https nor on this machine: %j", (adminConsentUrl) => {
    expect(consentLink(problem(adminConsentUrl === undefined ? {} : { adminConsentUrl }))).toBeUndefined();
  });
});

describe("the explanation of a code", () => {
  test("is this app's own page, whatever address the type has", () => {
    const type = "https://api.example/api/errors#throttled";
    expect(explanationLink(problem({ type }))).toBe("/api/errors#throttled");
  });

  test("is missing for a problem that no server reported", () => {
    expect(explanationLink(problem({}))).toBeUndefined();
  });
});

function problem(changes: object) {
  return { status: 503, code: "throttled", title: "", detail: "", ...changes };
}
