import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  API,
  AUTHORITY_ORIGIN,
  createDirectory,
  FRONTEND,
  type Registration,
  TENANT_ID,
} from "../../../emulator/directory.ts";
import { createSigningKeys, type SigningKeys } from "../../../emulator/entra/keys.ts";
import { startEntra } from "../../../emulator/entra/server.ts";
import { createTokenIssuer, type TokenIssuer } from "../../../emulator/entra/tokens.ts";
import type { LoopbackServer } from "../../../emulator/loopback-server.ts";
import { accountOf } from "../../support/account.ts";
import { createPemPair, type PemPair } from "../../support/certificate.ts";

const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const IDENTITY = { iss: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`, sub: randomUUID(), aud: "api://AzureADTokenExchange" };
const NOW = Math.floor(Date.now() / 1000);

let keys: SigningKeys;
let issuer: TokenIssuer;
let pair: PemPair;
let stranger: PemPair;
let entra: LoopbackServer;
beforeAll(async () => {
  keys = await createSigningKeys();
  issuer = createTokenIssuer(keys);
  [pair, stranger] = await Promise.all([createPemPair(), createPemPair()]);
  const trust = { issuer: IDENTITY.iss, subject: IDENTITY.sub, audience: IDENTITY.aud };
  const api: Registration = { ...API, certificates: [pair.certificate], federatedCredentials: [trust] };
  entra = await startEntra({ directory: createDirectory([], [api, FRONTEND]), issuer });
});
afterAll(() => entra.close());

/** What a request for an exchange with this client assertion is answered: 200, or the AADSTS number. */
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

/** The app's own assertion, with changes. */
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

describe("a client assertion signed with a certificate's key", () => {
  test.each<[string, () => Promise<string>, number]>([
    ["as MSAL makes it", () => ownAssertion(), 200],
    ["with the older algorithm", () => ownAssertion({}, { alg: "RS256" }), 200],
    ["for the issuer's address", () => ownAssertion({ aud: `${entra.url}/${TENANT_ID}/v2.0` }), 200],
    ["of another key", () => ownAssertion({}, {}, stranger), 700027],
    ["of a certificate that is not registered", () => ownAssertion({}, { "x5t#S256": thumbprintOf(stranger) }), 700027],
    ["that names no certificate", () => ownAssertion({}, { "x5t#S256": "" }), 700027],
    ["for another tenant's endpoint", () => ownAssertion({ aud: `${entra.url}/x/oauth2/v2.0/token` }), 700023],
    ["of another app", () => ownAssertion({ sub: FRONTEND.clientId }), 700023],
    ["that ended", () => ownAssertion({ exp: NOW - 400 }), 700024],
    ["without an end", () => ownAssertion({ exp: undefined }), 700023],
    ["without an id", () => ownAssertion({ jti: undefined }), 50027],
    ["that is no JWT", async () => "a.b", 50027],
  ])("%s is answered %3$i", async (_, assertion, expected) => {
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

  test.each<[string, () => Promise<string>, number]>([
    ["that the registration trusts", () => token(), 200],
    ["of another issuer", () => token({ iss: `${AUTHORITY_ORIGIN}/${randomUUID()}/v2.0` }), 700211],
    ["of another identity", () => token({ sub: randomUUID() }), 700213],
    ["whose subject differs in case", () => token({ sub: IDENTITY.sub.toUpperCase() }), 700213],
    ["for another audience", () => token({ aud: "https://graph.microsoft.com" }), 700212],
    ["that ended", () => token({ exp: NOW - 400 }), 700024],
    ["signed by a stranger", async () => token({}, await createSigningKeys()), 700027],
  ])("%s is answered %3$i", async (_, assertion, expected) => {
    expect(await answerTo(await assertion())).toBe(expected);
  });
});
