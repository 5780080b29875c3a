import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { readCertificate } from "../../src/settings/certificate.ts";
import { type PemPair, pemPairs } from "../support/certificate.ts";

const NOW = Date.now();
const DAY_MS = 86_400_000;
let ours: PemPair;
let other: PemPair;
beforeAll(async () => {
  [ours, other] = await pemPairs();
});

const pkcs1 = (key: string) => createPrivateKey(key).export({ type: "pkcs1", format: "pem" });
const ENCRYPTED = { format: "pem", cipher: "aes-256-cbc", passphrase: "p" } as const;

describe("a certificate in PEM", () => {
  test.each<[string, () => string]>([
    ["with its key after it", () => `${ours.certificate}\n${ours.key}`],
    ["with its key before it", () => `${ours.key}\n${ours.certificate}`],
    ["with another certificate of its chain first", () => `${other.certificate}\n${ours.certificate}\n${ours.key}`],
    ["with Windows's line ends", () => `${ours.certificate}\n${ours.key}`.replaceAll(/\r?\n/g, "\r\n")],
    ["with line ends written as \\n", () => `${ours.certificate}\n${ours.key}`.replaceAll(/\r?\n/g, "\\n")],
    ["with line ends written as \\r\\n", () => `${ours.certificate}\n${ours.key}`.replaceAll(/\r?\n/g, "\\r\\n")],
    ["with its key in the older form, PKCS #1", () => `${ours.certificate}\n${pkcs1(ours.key)}`],
    ["with text between", () => `Bag Attributes\n${ours.key}\nsubject=CN = api\n${ours.certificate}`],
  ])("%s is identified by its thumbprint", (_, pem) => {
    const certificate = readCertificate(pem(), NOW);
    const { fingerprint256 } = new X509Certificate(ours.certificate);
    expect(certificate).toEqual({
      privateKey: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----\n/),
      thumbprintSha256: fingerprint256.replaceAll(":", ""),
    });
  });

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ["that is a text", () => "hello", /^is not a certificate with its private key in PEM\. .*application\/x-pem-file/],
    [
      "that is a PFX in base64, as Key Vault has it by default",
      () => "MIIKEAIBAzCCCdYGCSqGSIb3DQEHAaCC",
      /^is not a cert/,
    ],
    ["without its key", () => ours.certificate, /^is not a certificate with its private key/],
    ["that is only a key", () => ours.key, /^is not a certificate with its private key/],
    [
      "that is cut off",
      () => `${ours.key}\n${ours.certificate.replace(/.{200}\s*-----END/s, "\n-----END")}`,
      /^is not a certificate with its private key/,
    ],
    ["with another's key", () => `${ours.certificate}\n${other.key}`, /^has a private key that belongs to none/],
    [
      "with an encrypted key",
      () => `${ours.certificate}\n${createPrivateKey(ours.key).export({ type: "pkcs8", ...ENCRYPTED })}`,
      /^has an encrypted private key/,
    ],
    [
      "with an encrypted key in the older form",
      () => `${ours.certificate}\n${createPrivateKey(ours.key).export({ type: "pkcs1", ...ENCRYPTED })}`,
      /^has an encrypted private key/,
    ],
    [
      "with a key of an elliptic curve",
      () =>
        `${ours.certificate}\n${generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" })}`,
      /^has a key that Entra does not take\. Use RSA with at least 2048 bits/,
    ],
    [
      "with a short key",
      () =>
        `${ours.certificate}\n${generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" })}`,
      /^has a key that Entra does not take/,
    ],
  ])("%s is refused, and told why", async (_, pem, expected) => {
    expect(readCertificate(await pem(), NOW)).toMatch(expected);
  });

  test("is refused before and after its time, to the second", () => {
    const pem = `${ours.certificate}\n${ours.key}`;
    const { validFrom, validTo } = new X509Certificate(ours.certificate);
    const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
    expect(readCertificate(pem, from - 1000)).toBe(`is valid only from ${validFrom}.`);
    expect(readCertificate(pem, to)).toBe(`has expired on ${validTo}. Renew it.`);
    for (const now of [from, to - 1000]) expect(readCertificate(pem, now)).toHaveProperty("privateKey");
    expect(to - from).toBe(31 * DAY_MS);
  });
});
