import { createPrivateKey, X509Certificate } from "node:crypto";

/** A certificate of the app registration, with its private key. */
export interface Certificate {
  /** Private key as PEM, PKCS #8. */
  readonly privateKey: string;
  /** SHA-256 of the certificate in hexadecimal without colons, by which Entra finds its public key. */
  readonly thumbprintSha256: string;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA )?PRIVATE KEY-----/;
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;
/** Minimum of bits that MSAL signs with. */
const MIN_BITS = 2048;

/**
 * Reads a certificate and its private key from PEM, in any order; certificates of the chain may be there too, and line
 * ends may be written as `\n` or `\r\n`. For a bad one, returns what is wrong, in words that follow the setting's name
 * and show nothing of the key. Does not check whether Entra knows the certificate, or who issued it.
 */
export function readCertificate(pem: string, now: number): Certificate | string {
  const text = pem.replaceAll(/\\r\\n|\\r|\\n/g, "\n");
  if (ENCRYPTED_KEY.test(text)) return "has an encrypted private key. Use one without a password.";
  const key = unlessThrown(() => createPrivateKey(PRIVATE_KEY.exec(text)?.[0] ?? ""));
  const certificates = unlessThrown(() => text.match(CERTIFICATE)?.map((one) => new X509Certificate(one)));
  if (!key || !certificates) {
    return (
      "is not a certificate with its private key in PEM. A certificate in Key Vault has to have the content type " +
      "application/x-pem-file."
    );
  }
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_BITS) {
    return `has a key that Entra does not take. Use RSA with at least ${MIN_BITS} bits.`;
  }
  const certificate = certificates.find((one) => one.checkPrivateKey(key));
  if (!certificate) return "has a private key that belongs to none of its certificates.";
  if (Date.parse(certificate.validTo) <= now) return `has expired on ${certificate.validTo}. Renew it.`;
  if (Date.parse(certificate.validFrom) > now) return `is valid only from ${certificate.validFrom}.`;
  return {
    privateKey: key.export({ type: "pkcs8", format: "pem" }).toString(),
    thumbprintSha256: certificate.fingerprint256.replaceAll(":", ""),
  };
}

/** Returns what a function reads; undefined when it throws. */
function unlessThrown<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
