import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { accountOf } from "../../../../test/support/account.ts";
import { type PemPair, pemPairs } from "../../../../test/support/certificate.ts";
import { strangersKeys } from "../../../../test/support/strangers.ts";
import {
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  FRONTEND,
  type Registration,
  TENANT_ID,
} from "../../src/directory/directory.ts";
import { createSigningKeys, type SigningKeys } from "../../src/entra/keys.ts";
import { startEntra } from "../../src/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../src/entra/tokens.ts";
import type { LoopbackServer } from "../../src/http/loopback-server.ts";

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const IDENTITY = { iss: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`, sub: randomUUID(), aud: "api://AzureADTokenExchange" };
const NOW = Math.floor(Date.now() / 1000);

let keys: SigningKeys;
let issuer: TokenIssuer;
let pair: PemPair;
let stranger: PemPair;
let entra: LoopbackServer;
beforeAll(async () => {
  keys = await createSigningKeys(inject("stateFolder"));
  issuer = createTokenIssuer(keys);
  [pair, stranger] = await pemPairs();
  const trust = { issuer: IDENTITY.iss, subject: IDENTITY.sub, audience: IDENTITY.aud };
  const api: Registration = { ...API, certificates: [pair.certificate], federatedCredentials: [trust] };
  entra = await startEntra({ directory: createDirectory({ registrations: [api, FRONTEND] }), issuer });
});
afterAll(() => entra.close());

/** Requests an exchange with this client assertion; resolves to 200 or the AADSTS number. */
async function answerTo(assertion: string, type = JWT_BEARER): Promise<number> {
  const user = { account: accountOf(createDirectory(), "works"), audience: API, scope: "user_impersonation" };
  const body = new URLSearchParams({
    ...{ client_id: API.clientId, client_assertion: assertion, client_assertion_type: type },
    ...{ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", requested_token_use: "on_behalf_of" },
    ...{ scope: "https://graph.microsoft.com/.default", assertion: await issuer.apiToken(user) },
  });
  const response = await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
  const { error, error_codes } = (await response.json()) as { error?: string; error_codes?: number[] };
  if (response.ok) return 200;
  expect([response.status, error]).toEqual([401, "invalid_client"]);
  return error_codes?.[0] ?? 0;
}

function thumbprintOf({ certificate }: PemPair): string {
  return createHash("sha256").update(new X509Certificate(certificate).raw).digest("base64url");
}

function sha1Of({ certificate }: PemPair): string {
  return createHash("sha1").update(new X509Certificate(certificate).raw).digest("base64url");
}

function hexOf({ certificate }: PemPair): string {
  return new X509Certificate(certificate).fingerprint.replaceAll(":", "");
}

/** Signs the app's own assertion, with changes. */
function ownAssertion(
  changes: Readonly<Record<string, unknown>> = {},
  header: object = {},
  signer = pair,
): Promise<string> {
  const claims = {
    ...{ iss: API.clientId, sub: API.clientId, aud: `${entra.url}/${TENANT_ID}/oauth2/v2.0/token` },
    ...{ nbf: NOW, exp: NOW + 600, jti: randomUUID() },
    ...changes,
  };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: "PS256", "x5t#S256": thumbprintOf(pair), ...header })
    .sign(createPrivateKey(signer.key));
}

/** Returns the text of a refusal of this client assertion. */
async function refusalOf(assertion: string): Promise<string> {
  const body = new URLSearchParams({
    ...{ client_id: API.clientId, client_assertion: assertion, client_assertion_type: JWT_BEARER },
    ...{ grant_type: "client_credentials", scope: "https://graph.microsoft.com/.default" },
  });
  const response = await fetch(`${entra.url}/${TENANT_ID}/oauth2/v2.0/token`, { method: "POST", body });
  return String(((await response.json()) as { error_description?: string }).error_description);
}

describe("the refusal of a client assertion", () => {
  test.each<[string, () => Promise<string>, () => readonly string[]]>([
    ["certificate", () => ownAssertion({}, { "x5t#S256": "other" }), () => ["x5t#S256 'other'", thumbprintOf(pair)]],
    ["audience", () => ownAssertion({ aud: "https://x.example/" }), () => ["https://x.example/", "/oauth2/v2.0/token"]],
    ["subject", () => ownAssertion({ sub: "someone" }), () => ["'someone'", API.clientId]],
    ["time", () => ownAssertion({ exp: NOW - 400 }), () => [new Date((NOW - 400) * 1000).toISOString()]],
    ["algorithm", () => ownAssertion({}, { alg: "RS512" }), () => ["its alg has to be PS256 or RS256"]],
    ["issuer", () => keys.sign({ iss: "https://x.example/" }), () => ["'https://x.example/'", IDENTITY.iss]],
  ])("says which %s it has, and which was expected", async (_, assertion, texts) => {
    const refusal = await refusalOf(await assertion());
    for (const text of texts()) expect(refusal).toContain(text);
  });
});

describe("a client assertion signed with a certificate's key", () => {
  test.each<[string, number, () => Promise<string>]>([
    ["as MSAL makes it", 200, () => ownAssertion()],
    ["with the older algorithm", 200, () => ownAssertion({}, { alg: "RS256" })],
    // https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/blob/main/src/client/Microsoft.Identity.Client/Internal/JsonWebToken.cs
    [
      "as MSAL.NET makes it, its times written as text",
      200,
      () => ownAssertion({ nbf: `${NOW}`, exp: `${NOW + 600}` }),
    ],
    [
      "as older clients make it",
      200,
      () => ownAssertion({}, { alg: "RS256", "x5t#S256": undefined, x5t: sha1Of(pair) }),
    ],
    ["that names the certificate in kid", 200, () => ownAssertion({}, { "x5t#S256": undefined, kid: hexOf(pair) })],
    [
      "for the same endpoint by another name",
      200,
      () => ownAssertion({ aud: `${AUTHORITY_ORIGIN}/Contoso.example/oauth2/v2.0/token` }),
    ],
    ["for version 1's endpoint", 200, () => ownAssertion({ aud: `${AUTHORITY_ORIGIN}/${TENANT_ID}/oauth2/token` })],
    [
      "for the same path elsewhere",
      700023,
      () => ownAssertion({ aud: `https://evil.example/${TENANT_ID}/oauth2/v2.0/token` }),
    ],
    [
      "of older clients with another certificate",
      700027,
      () => ownAssertion({}, { "x5t#S256": undefined, x5t: sha1Of(stranger) }),
    ],
    ["that ended, its times written as text", 700024, () => ownAssertion({ nbf: `${NOW - 900}`, exp: `${NOW - 400}` })],
    ["that begins later", 700024, () => ownAssertion({ nbf: NOW + 400, exp: NOW + 900 })],
    ["whose end is no time", 700023, () => ownAssertion({ exp: "soon" })],
    ["for the issuer's address", 200, () => ownAssertion({ aud: `${entra.url}/${TENANT_ID}/v2.0` })],
    ["of another key", 700027, () => ownAssertion({}, {}, stranger)],
    ["of a certificate that is not registered", 700027, () => ownAssertion({}, { "x5t#S256": thumbprintOf(stranger) })],
    ["that names no certificate", 700027, () => ownAssertion({}, { "x5t#S256": "" })],
    ["for another tenant's endpoint", 700023, () => ownAssertion({ aud: `${entra.url}/x/oauth2/v2.0/token` })],
    ["of another app", 700023, () => ownAssertion({ sub: FRONTEND.clientId })],
    ["that ended", 700024, () => ownAssertion({ exp: NOW - 400 })],
    ["without an end", 700023, () => ownAssertion({ exp: undefined })],
    ["without an id", 50027, () => ownAssertion({ jti: undefined })],
    ["that is no JWT", 50027, async () => "a.b"],
  ])("%s is answered %i", async (_, expected, assertion) => {
    expect(await answerTo(await assertion())).toBe(expected);
  });

  test("is refused under another type", async () => {
    expect(await answerTo(await ownAssertion(), "urn:ietf:params:oauth:client-assertion-type:saml2-bearer")).toBe(
      50027,
    );
  });
});

describe("a client assertion that is an identity's token", () => {
  const token = (changes: JWTPayload = {}, signer = keys) =>
    signer.sign({ ...IDENTITY, nbf: NOW, exp: NOW + 600, ...changes });

  test.each<[string, number, () => Promise<string>]>([
    ["that the registration trusts", 200, () => token()],
    ["of another issuer", 700211, () => token({ iss: `${AUTHORITY_ORIGIN}/${randomUUID()}/v2.0` })],
    ["of another identity", 700213, () => token({ sub: randomUUID() })],
    ["whose subject differs in case", 700213, () => token({ sub: IDENTITY.sub.toUpperCase() })],
    ["for another audience", 700212, () => token({ aud: "https://graph.microsoft.com" })],
    ["that ended", 700024, () => token({ exp: NOW - 400 })],
    ["signed by a stranger", 700027, async () => token({}, await strangersKeys())],
  ])("%s is answered %i", async (_, expected, assertion) => {
    expect(await answerTo(await assertion())).toBe(expected);
  });
});
