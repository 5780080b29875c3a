import { beforeAll, describe, expect, test } from "vitest";
import { SettingsError } from "../../src/settings/settings-error.ts";
import { type Environment, readSettings } from "../../src/settings.ts";
import { pemPairs } from "../support/certificate.ts";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const IDENTITY = "22223333-cccc-4444-dddd-5555eeee6666";
const SECRET = "a~secret.value";
const BASE: Environment = {
  WEBSITE_AUTH_CLIENT_ID: "00001111-aaaa-2222-bbbb-3333cccc4444",
  WEBSITE_AUTH_OPENID_ISSUER: `https://login.microsoftonline.com/${TENANT}/v2.0`,
};

let pem: string;
beforeAll(async () => {
  const [{ key, certificate }] = await pemPairs();
  pem = `${certificate}\n${key}`;
});

function problemsOf(environment: Environment): readonly string[] {
  try {
    readSettings({ ...BASE, ...environment });
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe("the credential", () => {
  test("is the managed identity, whose token is for the exchange of the cloud", () => {
    const environment = { ...BASE, OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: ` ${IDENTITY.toUpperCase()} ` };
    const expected = { kind: "managedIdentity", clientId: IDENTITY };
    const audienceIn = (CLOUD: string, host: string) => {
      const issuer = `https://${host}/${TENANT}/v2.0`;
      return readSettings({ ...environment, CLOUD, WEBSITE_AUTH_OPENID_ISSUER: issuer }).credential;
    };
    expect(readSettings(environment).credential).toEqual({ ...expected, audience: "api://AzureADTokenExchange" });
    expect(audienceIn("usgov", "login.microsoftonline.us")).toMatchObject({
      audience: "api://AzureADTokenExchangeUSGov",
    });
    expect(audienceIn("china", "login.partner.microsoftonline.cn")).toMatchObject({
      audience: "api://AzureADTokenExchangeChina",
    });
  });

  test("is the certificate, or the secret, when only that is set; an empty setting is none", () => {
    const none = { OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: "", CLIENT_CERTIFICATE_PEM: " " };
    expect(readSettings({ ...BASE, CLIENT_CERTIFICATE_PEM: pem }).credential.kind).toBe("certificate");
    expect(readSettings({ ...BASE, ...none, MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: SECRET }).credential).toEqual({
      kind: "secret",
      secret: SECRET,
    });
  });

  test("that is missing is reported with all credentials that would do, the best first", () => {
    const [problem, ...others] = problemsOf({});
    expect(others).toEqual([]);
    expect(problem).toMatch(
      /^No credential is set\. .*OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID.*CLIENT_CERTIFICATE_PEM.*MICROSOFT_PROVIDER_AUTHENTICATION_SECRET/,
    );
  });

  test.each<[string, () => Environment, string]>([
    [
      "an identity and a secret",
      () => ({ OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: IDENTITY, MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: SECRET }),
      "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID and MICROSOFT_PROVIDER_AUTHENTICATION_SECRET are set. Keep one, best " +
        "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID, and remove the others in the same change.",
    ],
    [
      "a certificate and a secret",
      () => ({ CLIENT_CERTIFICATE_PEM: pem, MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: SECRET }),
      "CLIENT_CERTIFICATE_PEM and MICROSOFT_PROVIDER_AUTHENTICATION_SECRET are set. Keep one, best " +
        "CLIENT_CERTIFICATE_PEM, and remove the others in the same change.",
    ],
  ])("refuses %s at once, by name and without their values", (_, environment, expected) => {
    expect(problemsOf(environment())).toEqual([expected]);
  });

  test.each([
    "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
    "CLIENT_CERTIFICATE_PEM",
    "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET",
  ])("%s is reported as an unresolved Key Vault reference, without showing it", (name) => {
    const problems = problemsOf({ [name]: "@Microsoft.KeyVault(SecretUri=https://vault.example/secrets/private)" });
    expect(problems).toEqual([
      expect.stringMatching(new RegExp(`^${name} is a Key Vault reference that was not resolved\\.`)),
    ]);
    expect(problems.join()).not.toContain("vault.example");
  });

  test("refuses an identity by anything but its client id", () => {
    expect(problemsOf({ OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID: "my-identity" })).toEqual([
      expect.stringMatching(/^OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID is not a GUID\. .*not its object id/),
    ]);
  });

  test("names what is wrong with a certificate, and shows nothing of it", () => {
    const problems = problemsOf({ CLIENT_CERTIFICATE_PEM: pem.replace("BEGIN CERTIFICATE", "BEGIN SOMETHING") });
    expect(problems).toEqual([expect.stringMatching(/^CLIENT_CERTIFICATE_PEM is not a certificate with its private/)]);
    expect(problems.join()).not.toContain(pem.split("\n")[1]);
  });
});
