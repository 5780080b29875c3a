import { describe, expect, test } from "vitest";
import { type Fetch, fetchAccountName, fetchProfile } from "../../frontend/page/api.ts";
import { SIGNED_IN, serveBackend, serveFrontend, unusedUrl } from "./fixture.ts";

describe("fetchProfile", () => {
  test("gives the profile, with empty text where the directory holds none", async () => {
    const profile = { displayName: "Ada", mail: null, businessPhones: ["+44 1", ""], id: "1" };
    expect(await fetchProfile(await answering(200, profile))).toEqual({
      ok: true,
      value: {
        displayName: "Ada",
        jobTitle: "",
        mail: "",
        businessPhones: ["+44 1"],
        mobilePhone: "",
        officeLocation: "",
        preferredLanguage: "",
        userPrincipalName: "",
      },
    });
  });

  test("gives the API's problem in the API's words", async () => {
    const problem = {
      status: 403,
      code: "consent_required",
      title: "An administrator's consent is missing",
      detail: "You are signed in, but …",
      correlationId: "c-1",
      adminConsentUrl: "https://login.example/adminconsent",
    };
    expect(await fetchProfile(await answering(403, { type: "urn:x", ...problem }))).toEqual({ ok: false, problem });
  });

  test("a bare 401, as the gate in front of the API answers, asks to sign in again", async () => {
    expect(await fetchProfile(await answering(401))).toMatchObject({
      ok: false,
      problem: { status: 401, code: "not_signed_in", title: "Your session has ended" },
    });
  });

  test.each([
    ["a page instead of JSON", 200, "<html>"],
    ["JSON that is no profile", 200, [1]],
    ["a proxy's error page", 503, "<html>"],
    ["a redirect without an address", 302, undefined],
  ])("%s is an unexpected answer", async (_what, status, content) => {
    const answer = await fetchProfile(await answering(status, content));
    expect(answer).toMatchObject({ ok: false, problem: { status, code: "unexpected_answer" } });
  });

  test("no connection is a problem, not an exception", async () => {
    const url = await unusedUrl();
    const answer = await fetchProfile((path, init) => fetch(`${url}${path}`, init));
    expect(answer).toMatchObject({ ok: false, problem: { status: 0, code: "unreachable" } });
  });
});

describe("fetchAccountName", () => {
  test("gives the name the frontend was told by Easy Auth", async () => {
    expect(await fetchAccountName(await answering(200))).toEqual({ ok: true, value: "ada@contoso.example" });
  });
});

/** The page's way through a real frontend to an API with this one answer; text is sent as it is. */
async function answering(status: number, content?: unknown): Promise<Fetch> {
  const body = typeof content === "string" ? content : JSON.stringify(content);
  const backendUrl = await serveBackend((_request, response) => void response.writeHead(status).end(body));
  const { url } = await serveFrontend({ backendUrl });
  return (path, init) => fetch(`${url}${path}`, { ...init, headers: SIGNED_IN });
}
