import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
import { strangersKeys } from "../../../test/support/strangers.ts";
import { API, createDirectory } from "../src/directory/directory.ts";
import { createSigningKeys, type SigningKeys } from "../src/entra/keys.ts";
import { createTokenIssuer, type TokenIssuer } from "../src/entra/tokens.ts";
import { startGraph } from "../src/graph/server.ts";
import type { LoopbackServer } from "../src/http/loopback-server.ts";

const directory = createDirectory();
let keys: SigningKeys;
let issuer: TokenIssuer;
let graph: LoopbackServer;
beforeAll(async () => {
  keys = await createSigningKeys(inject("stateFolder"));
  issuer = createTokenIssuer(keys);
  graph = await startGraph({ directory, keys });
});
afterAll(() => graph.close());

const account = (key: string) => accountOf(directory, key);

async function get(path: string, token?: string, headers: Record<string, string> = {}) {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${graph.url}${path}`, { headers: { ...headers, ...authorization } });
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Record<string, unknown>,
  };
}

describe("GET /v1.0/me", () => {
  test("answers the default properties, those without a value as null", async () => {
    const { body } = await get("/v1.0/me", await issuer.graphToken(account("sparse"), API, "User.Read"));
    expect(body).toEqual({
      "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
      businessPhones: [],
      displayName: "Diego Siciliani",
      givenName: null,
      jobTitle: null,
      mail: null,
      mobilePhone: null,
      officeLocation: null,
      preferredLanguage: null,
      surname: null,
      userPrincipalName: "diego.siciliani@contoso.example",
      id: account("sparse").objectId,
    });
  });

  test("answers the selected properties, and names them in the context", async () => {
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const { body } = await get("/v1.0/me?$select=displayName,department", token);
    expect(body).toEqual({
      "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users(displayName,department)/$entity",
      displayName: "Adele Vance",
      department: "Retail",
    });
  });

  test("answers 400 for a property that does not exist", async () => {
    const { status, body } = await get(
      "/v1.0/me?$select=nothing",
      await issuer.graphToken(account("works"), API, "User.Read"),
    );
    expect([status, (body.error as { code: string }).code]).toEqual([400, "Request_BadRequest"]);
  });

  test("sends the caller's request id back, beside its own", async () => {
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const { headers } = await get("/v1.0/me", token, { "client-request-id": "mine" });
    expect(headers.get("client-request-id")).toBe("mine");
    expect(headers.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test.each<[string, () => Promise<string | undefined>, string]>([
    ["no token", async () => undefined, "Access token is empty."],
    ["garbage", async () => "a.b.c", "80049217"],
    [
      "a token for the API",
      () => issuer.apiToken({ account: account("works"), audience: API, scope: "User.Read" }),
      "Invalid audience.",
    ],
    [
      "a token that was not signed for Graph",
      () => keys.sign({ aud: "https://graph.microsoft.com", oid: account("works").objectId, scp: "User.Read" }),
      "Access token validation failure.",
    ],
    [
      "a token of other keys",
      async () => createTokenIssuer(await strangersKeys()).graphToken(account("works"), API, "User.Read"),
      "The signature is invalid.",
    ],
    [
      "an expired token",
      () => createTokenIssuer(keys, () => Date.now() - 7_200_000).graphToken(account("works"), API, "User.Read"),
      "the token is expired.",
    ],
    [
      "a token of a user who does not exist",
      () => issuer.graphToken({ ...account("works"), objectId: "nobody" }, API, "User.Read"),
      "Access token validation failure.",
    ],
  ])("answers 401 to %s, with Graph's challenge and the reason", async (_, token, reason) => {
    const { status, headers, body } = await get("/v1.0/me", await token());
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toMatch(/^Bearer realm="", authorization_uri="[^"]+", client_id="[^"]+"$/);
    expect(body.error).toMatchObject({
      code: "InvalidAuthenticationToken",
      message: expect.stringContaining(reason),
      innerError: {
        date: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
        "request-id": headers.get("request-id"),
        "client-request-id": headers.get("client-request-id"),
      },
    });
  });

  test("answers 403 to a token without User.Read", async () => {
    const { status, body } = await get("/v1.0/me", await issuer.graphToken(account("works"), API, "openid profile"));
    expect([status, (body.error as { code: string }).code]).toEqual([403, "Authorization_RequestDenied"]);
  });

  test("takes tokens whose signature only Graph can verify", async () => {
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const { jwtVerify } = await import("jose");
    await expect(jwtVerify(token, keys.verificationKeys)).rejects.toMatchObject({
      code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
  });
});

describe("a property", () => {
  const token = () => issuer.graphToken(account("sparse"), API, "User.Read");

  // https://learn.microsoft.com/graph/api/resources/user#properties
  test("is null if Graph has it and the account has no value for it", async () => {
    const names = ["ageGroup", "birthday", "employeeType", "identities", "mailNickname", "onPremisesSamAccountName"];
    const { status, body } = await get(`/v1.0/me?$select=${names.join(",")}`, await token());
    expect(status).toBe(200);
    for (const name of names) expect(body[name]).toBeNull();
  });

  test.each(["$filter=startswith(displayName,'A')", "$expand=drives", "$expand=manager($expand=manager)", "$search=x"])(
    "is not answered as if %s had not been requested",
    async (option) => {
      const { status, body } = await get(`/v1.0/me?${option}`, await token());
      expect(status).toBe(501);
      expect(body.error).toMatchObject({ code: "NotImplemented", message: expect.stringContaining("is not emulated") });
    },
  );
});

describe("a part of Graph that is not emulated", () => {
  test.each(["/v1.0/me/messages", "/v1.0/me/calendar/events", "/beta/me", "/v1.0/groups/any"])(
    "is reported as such, with how to set an answer: %s",
    async (path) => {
      const { status, body } = await get(path, await issuer.graphToken(account("works"), API, "User.Read"));
      expect(status).toBe(501);
      const message = `GET ${path} is not emulated: set an answer with a fault.`;
      expect(body.error).toMatchObject({ code: "NotImplemented", message });
    },
  );
});

// https://learn.microsoft.com/graph/api/user-list-manager
describe("a manager", () => {
  const me = (path: string, scope: string, key = "works") =>
    issuer.graphToken(account(key), API, scope).then((token) => get(`/v1.0/me${path}`, token));

  test("is returned, and can be expanded in the user", async () => {
    const manager = { displayName: "Alex Wilber", "@odata.type": "#microsoft.graph.user" };
    expect((await me("/manager", "User.Read.All")).body).toMatchObject(manager);
    const { body } = await me("?$select=id&$expand=manager($select=displayName)", "User.Read.All");
    expect(body.manager).toEqual(manager);
    expect((await me("/directReports", "User.Read.All", "no-photo")).body.value).toMatchObject([
      { displayName: "Adele Vance" },
    ]);
  });

  test("that the user does not have is not found", async () => {
    const { status, body } = await me("/manager", "User.Read.All", "sparse");
    expect([status, (body.error as { code: string }).code]).toEqual([404, "Request_ResourceNotFound"]);
    expect((await me("?$expand=manager", "User.Read.All", "sparse")).body).not.toHaveProperty("manager");
  });

  test("requires more than the permission to read oneself", async () => {
    expect((await me("/manager", "User.Read")).status).toBe(403);
  });
});

// https://learn.microsoft.com/graph/api/user-list-memberof
describe("memberships", () => {
  const memberOf = async (scope: string, key = "many-groups", query = "") =>
    (await get(`/v1.0/me/memberOf${query}`, await issuer.graphToken(account(key), API, scope))).body;

  test("are the user's groups, without names unless the token permits reading groups", async () => {
    const { value } = await memberOf("User.Read", "many-groups", "?$select=id,displayName");
    expect(value).toHaveLength(200);
    expect((value as unknown[])[0]).toEqual({
      "@odata.type": "#microsoft.graph.group",
      id: account("many-groups").groups?.[0],
      displayName: null,
    });
    const { value: named } = await memberOf("GroupMember.Read.All");
    expect((named as { displayName: string }[])[0]?.displayName).toBe("Group 0000");
  });

  test("of a user without groups are empty", async () => {
    expect((await memberOf("User.Read", "works")).value).toEqual([]);
  });
});

// https://learn.microsoft.com/graph/api/user-get#permissions
describe("a permission", () => {
  test.each([
    ["User.ReadWrite", "/v1.0/me", 200],
    ["User.Read.All", "/v1.0/me", 200],
    ["Directory.Read.All", "/v1.0/me", 200],
    ["User.ReadBasic.All", "/v1.0/me", 403],
    ["Mail.Read", "/v1.0/me", 403],
    ["User.Read", "/v1.0/users", 403],
    ["User.ReadBasic.All", "/v1.0/users", 200],
    ["User.Read.All", "/v1.0/me/photo", 200],
    ["User.ReadWrite.All", "/v1.0/me/manager", 200],
  ])("%s for %s is answered %i", async (scope, path, status) => {
    expect((await get(path, await issuer.graphToken(account("works"), API, scope))).status).toBe(status);
  });

  test("of an app without a user works for users, but not for /me", async () => {
    const token = await issuer.appToken(API, undefined, ["User.Read.All"]);
    expect((await get(`/v1.0/users/${account("works").objectId}`, token)).body.displayName).toBe("Adele Vance");
    const { status, body } = await get("/v1.0/me", token);
    expect([status, body.error]).toEqual([
      400,
      expect.objectContaining({ message: expect.stringContaining("delegated") }),
    ]);
    expect((await get("/v1.0/users", await issuer.appToken(API, undefined, []))).status).toBe(403);
  });
});

// https://learn.microsoft.com/graph/api/user-list
describe("GET /v1.0/users", () => {
  const users = async (query = "", scope = "User.Read.All") =>
    get(`/v1.0/users${query}`, await issuer.graphToken(account("works"), API, scope));

  test("lists the tenant's users in pages", async () => {
    const { body } = await users("?$top=3&$count=true");
    expect(body.value).toHaveLength(3);
    const next = new URL(String(body["@odata.nextLink"]));
    const rest = await get(
      next.pathname + next.search,
      await issuer.graphToken(account("works"), API, "User.Read.All"),
    );
    expect(rest.body.value).toHaveLength(3);
    expect(rest.body.value).not.toEqual(body.value);
    expect(body["@odata.count"]).toBeGreaterThan(6);
  });

  test.each([
    ["$filter=startswith(displayName,'adele')", ["Adele Vance"]],
    ["$filter=userPrincipalName eq 'alex.wilber@contoso.example'", ["Alex Wilber"]],
    ["$filter=userType eq 'Guest'", ["Megan Bowen"]],
  ])("finds by %s", async (query, names) => {
    const { body } = await users(`?${query}`);
    expect((body.value as { displayName: string }[]).map(({ displayName }) => displayName)).toEqual(names);
  });

  test.each([
    ["$filter=endswith(mail,'x') and accountEnabled eq true", 501],
    ["$filter=nothing eq 'x'", 400],
    ["$orderby=city", 501],
    ["$top=1000", 400],
  ])("refuses %s with %i", async (query, status) => {
    expect((await users(`?${query}`)).status).toBe(status);
  });

  test("shows only basic properties of others if the token permits no more", async () => {
    const { body } = await users("?$select=displayName,jobTitle,userType&$top=2", "User.Read User.ReadBasic.All");
    expect(body.value).toMatchObject([
      { displayName: "Adele Vance", jobTitle: "Retail Manager" },
      { displayName: "Diego Siciliani", userType: null },
    ]);
  });
});

// https://learn.microsoft.com/graph/json-batching
describe("$batch", () => {
  async function batch(requests: unknown, token?: string) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token ?? ""}` };
    const body = JSON.stringify({ requests });
    const response = await fetch(`${graph.url}/v1.0/$batch`, { method: "POST", headers, body });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  }

  test("answers each request as it would be answered alone", async () => {
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const { status, body } = await batch(
      [
        { id: "1", method: "GET", url: "/me?$select=displayName" },
        { id: "2", method: "GET", url: "/me/messages" },
        { id: "3", method: "GET", url: "/me/photo/$value" },
        { id: "4", method: "GET", url: "/me", dependsOn: ["2"] },
        { id: "5", method: "GET", url: "/me/manager" },
      ],
      token,
    );
    expect(status).toBe(200);
    expect(body.responses).toMatchObject([
      { id: "1", status: 200, body: { displayName: "Adele Vance" } },
      { id: "2", status: 501 },
      { id: "3", status: 200, headers: { "content-type": "image/jpeg" }, body: expect.stringMatching(/^\/9j\//) },
      { id: "4", status: 424 },
      { id: "5", status: 403 },
    ]);
  });

  test("without a token answers each with 401", async () => {
    const { body } = await batch([{ id: "1", method: "GET", url: "/me" }]);
    expect(body.responses).toMatchObject([{ id: "1", status: 401 }]);
  });

  test.each([
    ["no requests", []],
    ["more than 20", Array.from({ length: 21 }, (_, id) => ({ id: String(id), method: "GET", url: "/me" }))],
    ["two of one id", [1, 2].map(() => ({ id: "1", method: "GET", url: "/me" }))],
    ["a request without an address", [{ id: "1", method: "GET" }]],
  ])("is refused with %s", async (_, requests) => {
    expect((await batch(requests)).status).toBe(400);
  });
});

// https://learn.microsoft.com/graph/api/driveitem-get-content, driveitem-createuploadsession
describe("a drive", () => {
  const authorized = async (scope = "Files.ReadWrite") => ({
    authorization: `Bearer ${await issuer.graphToken(account("works"), API, scope)}`,
  });

  test("redirects a reader of a file to another host, which needs no token", async () => {
    const headers = await authorized("Files.Read");
    const address = `${graph.url}/v1.0/me/drive/items/01NOTES/content`;
    const { status, headers: answered } = await fetch(address, { headers, redirect: "manual" });
    const location = answered.get("location") ?? "";
    expect([status, new URL(location).hostname]).toEqual([302, "127.0.0.1"]);
    expect(await (await fetch(location)).text()).toContain("without a token");
    expect((await fetch(location, { headers })).status).toBe(401);
  });

  test("gives for each file the address of its content", async () => {
    const response = await fetch(`${graph.url}/v1.0/me/drive/root/children`, { headers: await authorized() });
    const { value } = (await response.json()) as { value: Record<string, string>[] };
    const [notes] = value;
    expect(notes).toMatchObject({ id: "01NOTES", name: "Notes.txt" });
    expect((await fetch(notes?.["@microsoft.graph.downloadUrl"] ?? "")).headers.get("content-type")).toContain(
      "text/plain",
    );
  });

  test("accepts a large file in parts, at another host", async () => {
    const create = `${graph.url}/v1.0/me/drive/root:/big.bin:/createUploadSession`;
    const created = await fetch(create, { method: "POST", headers: await authorized() });
    const { uploadUrl } = (await created.json()) as { uploadUrl: string };
    const put = async (range: string, size: number, more: Record<string, string> = {}) => {
      const headers = { "content-range": range, ...more };
      const response = await fetch(uploadUrl, { method: "PUT", headers, body: Buffer.alloc(size) });
      return { status: response.status, body: await response.json() };
    };
    expect((await put("bytes 0-327679/400000", 327_680, await authorized())).status).toBe(401);
    expect(await put("bytes 0-327679/400000", 327_680)).toMatchObject({
      status: 202,
      body: { nextExpectedRanges: ["327680-"] },
    });
    expect((await put("bytes 0-327679/400000", 327_680)).status).toBe(416);
    expect(await put("bytes 327680-399999/400000", 72_320)).toMatchObject({
      status: 201,
      body: { name: "big.bin", size: 400_000 },
    });
  });

  test("needs a permission for files", async () => {
    const read = `${graph.url}/v1.0/me/drive/items/01NOTES/content`;
    expect((await fetch(read, { headers: await authorized("User.Read") })).status).toBe(403);
    const write = `${graph.url}/v1.0/me/drive/root:/big.bin:/createUploadSession`;
    expect((await fetch(write, { method: "POST", headers: await authorized("Files.Read") })).status).toBe(403);
  });
});

test("a page of another origin may read, and send requests that need a preflight", async () => {
  const origin = "http://localhost:5173";
  const headers = { origin, "access-control-request-method": "GET", "access-control-request-headers": "authorization" };
  const preflight = await fetch(`${graph.url}/v1.0/me`, { method: "OPTIONS", headers });
  expect([preflight.status, preflight.headers.get("access-control-allow-headers")]).toEqual([204, "authorization"]);
  const refused = await fetch(`${graph.url}/v1.0/me`, { headers: { origin } });
  expect(refused.headers.get("access-control-allow-origin")).toBe("*");
  expect(refused.headers.get("access-control-expose-headers")).toContain("WWW-Authenticate");
});

describe("GET /v1.0/users/{id}", () => {
  test.each([["the id"], ["the name"]])("finds only the signed-in user, by %s", async (by) => {
    const { objectId, profile } = account("works");
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const path = by === "the id" ? objectId : encodeURIComponent(profile.userPrincipalName.toUpperCase());
    expect(await get(`/v1.0/users/${path}`, token)).toMatchObject({ status: 200, body: { id: objectId } });
    expect(await get(`/v1.0/users/${account("sparse").objectId}`, token)).toMatchObject({
      status: 403,
      body: { error: { code: "Authorization_RequestDenied" } },
    });
  });
});

describe("a photo", () => {
  const tokenOf = (key: string) => issuer.graphToken(account(key), API, "User.Read");

  async function photo(path: string, key = "works"): Promise<{ response: Response; bytes: Buffer }> {
    const headers = { authorization: `Bearer ${await tokenOf(key)}` };
    const response = await fetch(`${graph.url}/v1.0/me${path}`, { headers });
    return { response, bytes: Buffer.from(await response.arrayBuffer()) };
  }

  /** Returns width and height from the frame header of a JPEG (ITU T.81, B.2.2). */
  function sizeOf(jpeg: Buffer): readonly [number, number] {
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    return [jpeg.readUInt16BE(frame + 7), jpeg.readUInt16BE(frame + 5)];
  }

  test.each([48, 64, 96, 120, 240, 360, 432, 504, 648])("is served %i pixels wide, and says so", async (size) => {
    const { response, bytes } = await photo(`/photos/${size}x${size}/$value`);
    expect(response.headers.get("content-type")).toBe("image/jpeg");
    expect(sizeOf(bytes)).toEqual([size, size]);
    const { body } = await get(`/v1.0/me/photos/${size}x${size}`, await tokenOf("works"));
    expect(body).toMatchObject({
      "@odata.mediaContentType": "image/jpeg",
      "@odata.mediaEtag": response.headers.get("etag"),
      ...{ id: `${size}x${size}`, width: size, height: size },
    });
  });

  test("is the largest one if no size is given", async () => {
    expect(sizeOf((await photo("/photo/$value")).bytes)).toEqual([648, 648]);
    const { body } = await get("/v1.0/me/photo", await tokenOf("works"));
    expect(body).toMatchObject({ id: "648x648", width: 648 });
  });

  test("is listed in all its sizes, or not at all if there is none", async () => {
    const { body } = await get("/v1.0/me/photos", await tokenOf("works"));
    expect(body.value).toHaveLength(9);
    expect((await get("/v1.0/me/photos", await tokenOf("no-photo"))).body.value).toEqual([]);
  });

  test.each([
    ["/photo/$value", "no-photo"],
    ["/photo", "no-photo"],
    ["/photos/48x48/$value", "no-photo"],
    ["/photos/48x48", "sparse"],
    ["/photos/50x50/$value", "works"],
    ["/photos/..%2F..%2Fserver.ts/$value", "works"],
  ])("is answered 404 ImageNotFound when there is none: %s of %s", async (path, key) => {
    const { response, bytes } = await photo(path, key);
    expect(response.status).toBe(404);
    expect(JSON.parse(bytes.toString())).toMatchObject({ error: { code: "ImageNotFound" } });
  });

  test("requires a token", async () => {
    expect((await fetch(`${graph.url}/v1.0/me/photo/$value`)).status).toBe(401);
  });
});

describe("a user whose sessions were revoked", () => {
  test("is challenged with the time before which tokens are invalid, and served with a newer one", async () => {
    const earlier = createTokenIssuer(keys, () => Date.now() - 60_000);
    const token = await earlier.graphToken(account("works"), API, "User.Read", true);
    expect((await get("/v1.0/me", token)).status).toBe(200);
    const validFrom = Math.floor(Date.now() / 1000) - 30;
    directory.revocations.revoke(account("works"), validFrom);

    const { status, headers, body } = await get("/v1.0/me", token);
    expect([status, (body.error as { code: string }).code]).toEqual([401, "InvalidAuthenticationToken"]);
    const claims = Buffer.from(
      JSON.stringify({ access_token: { nbf: { essential: true, value: String(validFrom) } } }),
    ).toString("base64");
    expect(headers.get("www-authenticate")).toBe(
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", ' +
        `client_id="00000003-0000-0000-c000-000000000000", error="insufficient_claims", claims="${claims}"`,
    );
    const newer = await issuer.graphToken(account("works"), API, "User.Read", true);
    expect((await get("/v1.0/me", newer)).status).toBe(200);
    directory.revocations.revoke(account("works"), 0);
  });

  test("is served until the token expires if its client does not understand challenges", async () => {
    const token = await issuer.graphToken(account("sparse"), API, "User.Read");
    directory.revocations.revoke(account("sparse"));
    expect((await get("/v1.0/me", token)).status).toBe(200);
    directory.revocations.revoke(account("sparse"), 0);
  });
});

describe("an account that Graph fails for", () => {
  test("is throttled with Retry-After at every address, while others are not", async () => {
    const token = await issuer.graphToken(account("throttled"), API, "User.Read");
    const { status, headers, body } = await get("/v1.0/me/photo", token);
    expect([status, headers.get("retry-after")]).toEqual([429, "30"]);
    expect(body.error).toMatchObject({ code: "TooManyRequests", innerError: { "request-id": expect.any(String) } });
    expect((await get("/v1.0/me", await issuer.graphToken(account("works"), API, "User.Read"))).status).toBe(200);
  });
});
