import tls from "node:tls";

/** Makes all new TLS connections of this process trust a certificate. Returns a function that undoes it. */
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
