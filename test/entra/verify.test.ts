import { randomUUID } from "node:crypto";
import { createSigningKeys, type SigningKeys } from "easy-auth-local/parts";
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { createVerifier, type VerifyAssertion } from "../../src/entra/verify.ts";
import type { AppError } from "../../src/errors.ts";
import { strangersKeys } from "../support/strangers.ts";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444";
const AUTHORITY = {
  origin: "https://login.microsoftonline.com",
  v1IssuerOrigin: "https://sts.windows.net",
  tenant: TENANT,
};
const SETTINGS = {
  authority: AUTHORITY,
  graphOrigin: "https://graph.microsoft.com",
  allowedTenants: [TENANT],
  audiences: [CLIENT, `api://${CLIENT}`],
  requestTimeoutMs: 10_000,
};
const OBJECT_ID = randomUUID();

let keys: SigningKeys;
let verify: VerifyAssertion;
beforeAll(async () => {
  keys = await createSigningKeys(inject("stateFolder"));
  verify = createVerifier(SETTINGS, keys.verificationKeys);
});

type Changes = Readonly<Record<string, unknown>>;

function claims(changes: Changes = {}): JWTPayload {
  const iat = Math.floor(Date.now() / 1000);
  return {
    ...{ aud: CLIENT, iss: `${AUTHORITY.origin}/${TENANT}/v2.0`, iat, nbf: iat, exp: iat + 3600 },
    ...{ tid: TENANT, oid: OBJECT_ID, scp: "user_impersonation", ver: "2.0" },
    ...changes,
  };
}

async function codeOf(verifying: Promise<unknown>): Promise<string> {
  return verifying.then(
    () => "accepted",
    (error: AppError) => error.code,
  );
}

const NOW = Math.floor(Date.now() / 1000);

describe("an assertion", () => {
  test("tells who signed in and until when", async () => {
    const payload = claims();
    expect(await verify(await keys.sign(payload))).toEqual({
      tenantId: TENANT,
      objectId: OBJECT_ID,
      expiresAt: payload.exp,
    });
  });

  test.each<[string, Changes, string]>([
    [
      "of version 1, with its issuer and the API's URI",
      { iss: `https://sts.windows.net/${TENANT}/`, aud: `api://${CLIENT}` },
      "accepted",
    ],
    ["with more scopes", { scp: "openid user_impersonation files" }, "accepted"],
    ["that expired within the allowed clock skew", { exp: NOW - 30 }, "accepted"],
    ["that has expired", { exp: NOW - 90 }, "token_expired"],
    ["that is not valid yet", { nbf: NOW + 120 }, "token_rejected"],
    ["without an expiry", { exp: undefined }, "token_rejected"],
    ["without a start of validity", { nbf: undefined }, "token_rejected"],
    ["whose tenant is in capitals", { tid: TENANT.toUpperCase() }, "accepted"],
    ["whose object id is no string", { oid: 5 }, "token_rejected"],
    ["whose object id is empty", { oid: "" }, "token_rejected"],
    ["for another audience", { aud: randomUUID() }, "token_rejected"],
    ["for Graph", { aud: "https://graph.microsoft.com" }, "token_rejected"],
    ["of another tenant", { tid: "bbbbcccc-1111-dddd-2222-eeee3333ffff" }, "token_rejected"],
    [
      "of this tenant from another tenant's issuer",
      { iss: `${AUTHORITY.origin}/bbbbcccc-1111-dddd-2222-eeee3333ffff/v2.0` },
      "token_rejected",
    ],
    [
      "of another tenant from that tenant's issuer",
      {
        tid: "bbbbcccc-1111-dddd-2222-eeee3333ffff",
        iss: `${AUTHORITY.origin}/bbbbcccc-1111-dddd-2222-eeee3333ffff/v2.0`,
      },
      "token_rejected",
    ],
    [
      "from an issuer that only begins like this tenant's",
      { iss: `${AUTHORITY.origin}/${TENANT}/v2.0/` },
      "token_rejected",
    ],
    ["without an issuer", { iss: undefined }, "token_rejected"],
    ["without an object id", { oid: undefined }, "token_rejected"],
    ["of an app, not a user", { scp: undefined, roles: ["Everything"], idtyp: "app" }, "token_rejected"],
    ["of an app that claims a scope", { idtyp: "app" }, "token_rejected"],
    ["that is an ID token", { scp: undefined, nonce: "n" }, "token_rejected"],
    ["whose scope is a list", { scp: ["user_impersonation"] }, "token_rejected"],
    ["without this API's scope", { scp: "other.scope" }, "insufficient_scope"],
    [
      "whose scopes only contain the name of this API's",
      { scp: "not_user_impersonation user_impersonation.read" },
      "insufficient_scope",
    ],
  ])("%s gives $2", async (_, changes, expected) => {
    expect(await codeOf(verify(await keys.sign(claims(changes))))).toBe(expected);
  });

  test("signed by another key is rejected", async () => {
    const stranger = await strangersKeys();
    expect(await codeOf(verify(await stranger.sign(claims())))).toBe("token_rejected");
  });

  test("signed by the same key with another algorithm is rejected", async () => {
    const { privateKey, publicKey } = await generateKeyPair("PS256");
    const jwks = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: "k" }] });
    const token = await new SignJWT(claims()).setProtectedHeader({ alg: "PS256", kid: "k" }).sign(privateKey);
    expect(await codeOf(createVerifier(SETTINGS, jwks)(token))).toBe("token_rejected");
  });

  test("that is rejected puts none of its claims into the error", async () => {
    const secret = "someone@contoso.example";
    for (const changes of [{ exp: NOW - 90 }, { aud: "x" }, { iss: "x" }, { scp: undefined }]) {
      const error = await verify(await keys.sign(claims({ ...changes, preferred_username: secret }))).catch((e) => e);
      expect(error.cause).toBeUndefined();
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
    }
  });

  test("for another audience is rejected with a hint how a frontend asks for the right token", async () => {
    const error = await verify(await keys.sign(claims({ aud: "https://graph.microsoft.com" }))).catch((e) => e);
    expect(error.hint).toContain("loginParameters");
    const other = await verify(await keys.sign(claims({ iss: "x" }))).catch((e) => e);
    expect(other.hint).not.toContain("loginParameters");
  });

  test.each(["https://graph.microsoft.com", "00000003-0000-0000-c000-000000000000"])(
    "for Graph (%s) is rejected with the same hint: a sign-in without a scope gives such a token",
    async (aud) => {
      const graphs = await strangersKeys();
      const error = await verify(await graphs.sign(claims({ aud }))).catch((e) => e);
      expect(error).toMatchObject({ code: "token_rejected", hint: expect.stringContaining("loginParameters") });
    },
  );

  test("changed after signing is rejected", async () => {
    const [header, , signature] = (await keys.sign(claims())).split(".");
    const payload = Buffer.from(JSON.stringify(claims({ oid: randomUUID() }))).toString("base64url");
    expect(await codeOf(verify([header, payload, signature].join(".")))).toBe("token_rejected");
  });

  test("without a signature (alg none) is rejected", async () => {
    const header = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT", kid: keys.keyId })).toString("base64url");
    const payload = Buffer.from(JSON.stringify(claims())).toString("base64url");
    expect(await codeOf(verify(`${header}.${payload}.`))).toBe("token_rejected");
  });

  test("signed with the public key as an HMAC secret is rejected", async () => {
    const secret = Buffer.from(JSON.stringify(keys.jwks.keys[0]));
    const forged = await new SignJWT(claims()).setProtectedHeader({ alg: "HS256", kid: keys.keyId }).sign(secret);
    expect(await codeOf(verify(forged))).toBe("token_rejected");
  });

  test.each(["", "abc", "a.b.c", "..", "eyJhbGciOiJSUzI1NiJ9.e30.", "é.é.é"])(
    "that is garbage (%j) is rejected",
    async (garbage) => {
      expect(await codeOf(verify(garbage))).toBe("token_rejected");
    },
  );
});

describe("an assertion for an API of several tenants", () => {
  const guest = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
  const several = {
    ...SETTINGS,
    authority: { ...AUTHORITY, tenant: "organizations" },
    allowedTenants: [TENANT, guest],
  };

  const stranger = "ccccdddd-2222-eeee-3333-ffff4444aaaa";
  const issuers = {
    1: (tenant: string) => `https://sts.windows.net/${tenant}/`,
    2: (tenant: string) => `${AUTHORITY.origin}/${tenant}/v2.0`,
  };

  test.each([
    ["of an allowed tenant", guest, guest, "accepted"],
    ["of a tenant that is not allowed", stranger, stranger, "tenant_not_allowed"],
    ["of an allowed tenant from the issuer of another", guest, TENANT, "token_rejected"],
    ["of an allowed tenant from the issuer of one that is not allowed", guest, stranger, "token_rejected"],
    ["of a tenant that is not allowed from the issuer of one that is", stranger, guest, "token_rejected"],
    ["of the authority itself", "organizations", "organizations", "tenant_not_allowed"],
  ])("%s gives $3, in versions 1 and 2", async (_, tid, issuerTenant, expected) => {
    for (const issuerOf of Object.values(issuers)) {
      const token = await keys.sign(claims({ tid, iss: issuerOf(issuerTenant) }));
      expect(await codeOf(createVerifier(several, keys.verificationKeys)(token))).toBe(expected);
    }
  });

  test("signed by a key that is not the authority's is rejected, whatever its tenant", async () => {
    const forged = await (await strangersKeys()).sign(claims({ tid: stranger, iss: issuers[2](stranger) }));
    expect(await codeOf(createVerifier(several, keys.verificationKeys)(forged))).toBe("token_rejected");
  });
});

describe.each([
  ["usgov", "https://login.microsoftonline.us", "https://sts.windows.net"],
  ["china", "https://login.partner.microsoftonline.cn", "https://sts.chinacloudapi.cn"],
])("an assertion in the cloud %s", (_, origin, v1IssuerOrigin) => {
  const ofCloud = { ...SETTINGS, authority: { origin, v1IssuerOrigin, tenant: TENANT } };

  test.each([
    ["of version 2", () => `${origin}/${TENANT}/v2.0`, "accepted"],
    ["of version 1", () => `${v1IssuerOrigin}/${TENANT}/`, "accepted"],
    ["of the global cloud", () => `${AUTHORITY.origin}/${TENANT}/v2.0`, "token_rejected"],
  ])("%s gives $2", async (_name, iss, expected) => {
    const verifyOfCloud = createVerifier(ofCloud, keys.verificationKeys);
    expect(await codeOf(verifyOfCloud(await keys.sign(claims({ iss: iss() }))))).toBe(expected);
  });
});
