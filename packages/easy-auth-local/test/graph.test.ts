import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "../../../test/support/account.ts";
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
  keys = await createSigningKeys();
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
      async () => createTokenIssuer(await createSigningKeys()).graphToken(account("works"), API, "User.Read"),
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

  test("cannot be read by who verifies the token as it is: only Graph knows how", async () => {
    const token = await issuer.graphToken(account("works"), API, "User.Read");
    const { jwtVerify } = await import("jose");
    await expect(jwtVerify(token, keys.verificationKeys)).rejects.toMatchObject({
      code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED",
    });
  });
});

describe("GET /v1.0/users/{id}", () => {
  test.each([["the id"], ["the name"]])("answers the signed-in user by %s, and nobody else", async (by) => {
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

  /** Width and height, as the frame header of a JPEG says (ITU T.81, B.2.2). */
  function sizeOf(jpeg: Buffer): readonly [number, number] {
    const frame = jpeg.indexOf(Buffer.from([0xff, 0xc0]));
    return [jpeg.readUInt16BE(frame + 7), jpeg.readUInt16BE(frame + 5)];
  }

  test.each([48, 64, 96, 120, 240, 360, 432, 504, 648])("is had %i pixels wide, as it says", async (size) => {
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

  test("is the largest without a size", async () => {
    expect(sizeOf((await photo("/photo/$value")).bytes)).toEqual([648, 648]);
    const { body } = await get("/v1.0/me/photo", await tokenOf("works"));
    expect(body).toMatchObject({ id: "648x648", width: 648 });
  });

  test("is listed in all its sizes, and not at all when there is none", async () => {
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

  test("is not had without a token", async () => {
    expect((await fetch(`${graph.url}/v1.0/me/photo/$value`)).status).toBe(401);
  });
});

describe("a user whose sessions were revoked", () => {
  test("is challenged with the time since when tokens are good, and served with a newer one", async () => {
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

  test("is served until the token's end when its client does not understand challenges", async () => {
    const token = await issuer.graphToken(account("sparse"), API, "User.Read");
    directory.revocations.revoke(account("sparse"));
    expect((await get("/v1.0/me", token)).status).toBe(200);
    directory.revocations.revoke(account("sparse"), 0);
  });
});

describe("an account that Graph fails for", () => {
  test("is throttled with Retry-After, whatever it asks, while others are not", async () => {
    const token = await issuer.graphToken(account("throttled"), API, "User.Read");
    const { status, headers, body } = await get("/v1.0/me/photo", token);
    expect([status, headers.get("retry-after")]).toEqual([429, "30"]);
    expect(body.error).toMatchObject({ code: "TooManyRequests", innerError: { "request-id": expect.any(String) } });
    expect((await get("/v1.0/me", await issuer.graphToken(account("works"), API, "User.Read"))).status).toBe(200);
  });
});
