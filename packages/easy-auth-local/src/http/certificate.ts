/** A key pair that this machine trusts only when told to, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const DAYS = 30;
/** How the subject alternative names of a certificate are told apart (RFC 5280, 4.2.1.6). */
const [DNS_NAME, IP_ADDRESS] = [2, 7] as const;

/** Makes a certificate for this machine's loopback names: new at every start, its key in memory only. */
export async function createCertificate(): Promise<Certificate> {
  // Loaded when asked for: it takes longer than the rest of Entra.
  const { generate } = await import("selfsigned");
  const expires = new Date();
  expires.setDate(expires.getDate() + DAYS);
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    keySize: 2048,
    algorithm: "sha256",
    notAfterDate: expires,
    extensions: [
      { name: "basicConstraints", cA: false },
      {
        name: "subjectAltName",
        altNames: [
          { type: DNS_NAME, value: "localhost" },
          { type: IP_ADDRESS, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { key, cert };
}
