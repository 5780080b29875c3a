import { describe, expect, test } from "vitest";
import { fetchPhoto, fetchProfile, fetchSession } from "../../../frontend/page/api.ts";
import type { FetchAsUser } from "../../../frontend/page/client/fetch-as-user.ts";
import { SIGNED_IN, serveBackend, serveFrontend } from "../fixture.ts";

const ADA = SIGNED_IN["x-ms-client-principal-id"];

describe("fetchProfile", () => {
  test("gives the profile and whose it is, with empty text where the directory holds none", async () => {
    const profile = { displayName: "Ada", mail: null, businessPhones: ["+44 1", ""], id: "1" };
    expect(await fetchProfile(await answering("application/json", JSON.stringify(profile)))).toEqual({
      user: ADA,
      profile: {
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

  test.each([
    ["a page instead of JSON", "<html>"],
    ["JSON that is no profile", "[1]"],
  ])("throws unexpected_answer for %s", async (_what, body) => {
    await expect(fetchProfile(await answering("text/html", body))).rejects.toMatchObject({
      problem: { status: 200, code: "unexpected_answer" },
    });
  });
});

describe("fetchPhoto", () => {
  test("gives the photo", async () => {
    const photo = await fetchPhoto(await answering("image/jpeg", "bytes"), ADA);
    expect([photo?.type, await photo?.text()]).toEqual(["image/jpeg", "bytes"]);
  });

  test("gives none when the answer is no picture", async () => {
    expect(await fetchPhoto(await answering("text/html", "<html>"), ADA)).toBeUndefined();
  });

  test("gives none when it is another user's than the profile", async () => {
    expect(await fetchPhoto(await answering("image/jpeg", "bytes"), "somebody else")).toBeUndefined();
  });

  test("never begins a sign-in", async () => {
    let isAllowed: unknown;
    const fetchAsUser: FetchAsUser = async (_path, options) => {
      isAllowed = await options?.onSignIn?.({ status: 401, code: "claims_challenge", title: "", detail: "" });
      throw new Error("401");
    };
    expect(await fetchPhoto(fetchAsUser, ADA)).toBeUndefined();
    expect(isAllowed).toBe(false);
  });

  test("gives none when the user has none", async () => {
    const failing: FetchAsUser = () => Promise.reject(new Error("404"));
    expect(await fetchPhoto(failing, ADA)).toBeUndefined();
  });
});

describe("fetchSession", () => {
  test("gives the user the frontend was told of by Easy Auth", async () => {
    const { url } = await serveFrontend({ backendUrl: "http://127.0.0.1:1" });
    expect(await fetchSession((path, init) => fetch(`${url}${path}`, { ...init, headers: SIGNED_IN }))).toEqual({
      isOver: false,
      name: "ada@contoso.example",
      user: ADA,
    });
  });

  test.each([
    ["the gate redirects to the sign-in page", redirect()],
    ["the gate answers 401", new Response(null, { status: 401 })],
  ])("says that the session has ended when %s", async (_when, response) => {
    expect(await fetchSession(async () => response)).toEqual({ isOver: true, name: "", user: undefined });
  });

  test.each([
    ["the server is not there", () => Promise.reject(new TypeError("fetch failed"))],
    ["a proxy answers in its place", () => fetch("data:text/html,<html>")],
  ])("gives nothing when %s", async (_when, fetchFrom) => {
    expect(await fetchSession(fetchFrom)).toBeUndefined();
  });
});

/** A redirect as a browser shows it to a script that does not follow it. */
function redirect(): Response {
  return Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
}

/** Returns the page's `fetchAsUser` through a real frontend to an API with this one answer. */
async function answering(contentType: string, body: string): Promise<FetchAsUser> {
  const backendUrl = await serveBackend((_request, response) => {
    response.writeHead(200, { "content-type": contentType }).end(body);
  });
  const { url } = await serveFrontend({ backendUrl });
  return (path) => fetch(`${url}${path}`, { headers: SIGNED_IN });
}
