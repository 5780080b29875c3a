import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { API, createDirectory } from "../../emulator/directory.ts";
import { createSigningKeys, type SigningKeys } from "../../emulator/entra/keys.ts";
import { createTokenIssuer, type TokenIssuer } from "../../emulator/entra/tokens.ts";
import { startGraph } from "../../emulator/graph/server.ts";
import type { LoopbackServer } from "../../emulator/loopback-server.ts";
import { accountOf } from "../support/account.ts";

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

  test.each<[string, () => Promise<string | undefined>]>([
    ["no token", async () => undefined],
    ["garbage", async () => "a.b.c"],
    ["a token for the API", () => issuer.apiToken({ account: account("works"), audience: API, scope: "User.Read" })],
    [
      "a token that was not signed for Graph",
      () => keys.sign({ aud: "https://graph.microsoft.com", oid: account("works").objectId, scp: "User.Read" }),
    ],
    [
      "a token of other keys",
      async () => createTokenIssuer(await createSigningKeys()).graphToken(account("works"), API, "User.Read"),
    ],
    [
      "an expired token",
      () => createTokenIssuer(keys, () => Date.now() - 7_200_000).graphToken(account("works"), API, "User.Read"),
    ],
  ])("answers 401 to %s, with Graph's challenge", async (_, token) => {
    const { status, headers, body } = await get("/v1.0/me", await token());
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toMatch(/^Bearer realm="", authorization_uri="[^"]+", client_id="[^"]+"$/);
    expect(body.error).toMatchObject({
      code: "InvalidAuthenticationToken",
      innerError: { "request-id": expect.any(String) },
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
