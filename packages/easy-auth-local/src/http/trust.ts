import tls from "node:tls";

/** Makes this process's new TLS connections trust a certificate, whoever opens them. Returns what undoes it. */
export function trust(certificate: string): () => void {
  const { createSecureContext } = tls;
  tls.createSecureContext = (options) => {
    const secure = createSecureContext(options);
    (secure.context as { addCACert(pem: string): void }).addCACert(certificate);
    return secure;
  };
  return () => {
    tls.createSecureContext = createSecureContext;
  };
}
