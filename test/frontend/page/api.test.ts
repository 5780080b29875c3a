import { describe, expect, test } from "vitest";
import { fetchAccountName, fetchPhoto, fetchProfile } from "../../../frontend/page/api.ts";
import type { FetchAsUser } from "../../../frontend/page/client/fetch-as-user.ts";
import { SIGNED_IN, serveBackend, serveFrontend } from "../fixture.ts";

describe("fetchProfile", () => {
  test("gives the profile, with empty text where the directory holds none", async () => {
    const profile = { displayName: "Ada", mail: null, businessPhones: ["+44 1", ""], id: "1" };
    expect(await fetchProfile(await answering("application/json", JSON.stringify(profile)))).toEqual({
      displayName: "Ada",
      jobTitle: "",
      mail: "",
      businessPhones: ["+44 1"],
      mobilePhone: "",
      officeLocation: "",
      preferredLanguage: "",
      userPrincipalName: "",
    });
  });

  test.each([
    ["a page instead of JSON", "<html>"],
    ["JSON that is no profile", "[1]"],
  ])("%s is an unexpected answer", async (_what, body) => {
    await expect(fetchProfile(await answering("text/html", body))).rejects.toMatchObject({
      problem: { status: 200, code: "unexpected_answer" },
    });
  });
});

describe("fetchPhoto", () => {
  test("gives the photo", async () => {
    const photo = await fetchPhoto(await answering("image/jpeg", "bytes"));
    expect([photo?.type, await photo?.text()]).toEqual(["image/jpeg", "bytes"]);
  });

  test("gives none when the answer is no picture", async () => {
    expect(await fetchPhoto(await answering("text/html", "<html>"))).toBeUndefined();
  });

  test("gives none when there is none to be had", async () => {
    const failing: FetchAsUser = () => Promise.reject(new Error("404"));
    expect(await fetchPhoto(failing)).toBeUndefined();
  });
});

describe("fetchAccountName", () => {
  test("gives the name the frontend was told by Easy Auth", async () => {
    const { url } = await serveFrontend({ backendUrl: "http://127.0.0.1:1" });
    expect(await fetchAccountName(() => fetch(`${url}/session`, { headers: SIGNED_IN }))).toBe("ada@contoso.example");
  });

  test.each([
    ["nobody is signed in", () => fetch("data:application/json,{}")],
    ["the server is not there", () => Promise.reject(new TypeError("fetch failed"))],
  ])("gives none when %s", async (_when, fetchFrom) => {
    expect(await fetchAccountName(fetchFrom)).toBeUndefined();
  });
});

/** The page's way through a real frontend to an API with this one answer. */
async function answering(contentType: string, body: string): Promise<FetchAsUser> {
  const backendUrl = await serveBackend((_request, response) => {
    response.writeHead(200, { "content-type": contentType }).end(body);
  });
  const { url } = await serveFrontend({ backendUrl });
  return (path) => fetch(`${url}${path}`, { headers: SIGNED_IN });
}
