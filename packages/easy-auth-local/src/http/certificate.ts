import { X509Certificate } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AUTHORITY_HOSTS, GRAPH_HOSTS } from "../directory/clouds.ts";

/** Key pair in PEM, for https listeners. Only clients that are configured to trust it do. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const DAYS = 730;
const DAY_MS = 86_400_000;
/** Days before its end when a certificate is renewed: the clock may be put forward by a year. */
const RENEW_DAYS = 400;
/** Types of the subject alternative names of a certificate (RFC 5280, 4.2.1.6). */
const [DNS_NAME, IP_ADDRESS] = [2, 7] as const;
const NAMES = ["localhost", ...AUTHORITY_HOSTS, ...GRAPH_HOSTS, "*.blob.core.windows.net"];
const ADDRESSES = ["127.0.0.1", "::1"];

/** Makes a certificate for this machine's loopback names, and for Microsoft's where a hosts file sends them here. */
export async function createCertificate(): Promise<Certificate> {
  // Loaded on demand: it takes longer to load than the rest of Entra.
  const { generate } = await import("selfsigned");
  const { private: key, cert } = await generate([{ name: "commonName", value: "easy-auth-local" }], {
    // Made at each start without a folder to keep it in: an RSA key would take 200 times as long.
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    notAfterDate: new Date(Date.now() + DAYS * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: false },
      {
        name: "subjectAltName",
        altNames: [
          ...NAMES.map((value) => ({ type: DNS_NAME, value })),
          ...ADDRESSES.map((ip) => ({ type: IP_ADDRESS, ip })),
        ],
      },
    ],
  });
  return { key, cert };
}

/**
 * Returns the certificate that a folder keeps in certificate.pem and certificate-key.pem; makes it when it is not there
 * or ends soon.
 */
export async function readCertificate(folder: string): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, "certificate.pem"), join(folder, "certificate-key.pem")];
  const [cert, key] = await Promise.all([certFile, keyFile].map((file) => readFile(file, "utf8").catch(() => "")));
  if (cert && key && isGood(cert)) return { cert, key };
  const certificate = await createCertificate();
  await mkdir(folder, { recursive: true });
  await writeFile(certFile, certificate.cert);
  await writeFile(keyFile, certificate.key, { mode: 0o600 });
  return certificate;
}

function isGood(pem: string): boolean {
  try {
    const { validTo, subjectAltName = "" } = new X509Certificate(pem);
    const isLong = Date.parse(validTo) > Date.now() + RENEW_DAYS * DAY_MS;
    return isLong && NAMES.every((name) => subjectAltName.includes(`DNS:${name}`));
  } catch {
    return false;
  }
}
