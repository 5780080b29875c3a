import http from "node:http";
import https from "node:https";
import type { Certificate } from "./certificate.ts";
import { type LoopbackServer, listenOnLoopback } from "./loopback-server.ts";

/** A server that listens with http, and perhaps with https. */
export interface TwiceListening extends LoopbackServer {
  /** Address of the https listener, and the certificate to trust there, in PEM. */
  readonly https: { readonly url: string; readonly certificate: string } | undefined;
}

export interface ListenTwiceOptions {
  readonly port: number;
  readonly httpsPort: number;
  /** Undefined: http alone. */
  readonly certificate: Certificate | undefined;
  /** Host names that are served besides those of this machine. */
  readonly names: readonly string[];
  /** Called with each server before it listens. */
  readonly onServer: ((server: http.Server) => void) | undefined;
}

/** Puts a listener on the loopback interface with http and, where there is a certificate, with https too. */
export async function listenTwice(
  listener: http.RequestListener,
  { port, httpsPort, certificate, names, onServer }: ListenTwiceOptions,
): Promise<TwiceListening> {
  const plainServer = http.createServer(listener);
  onServer?.(plainServer);
  const plain = await listenOnLoopback(plainServer, port, names);
  if (!certificate) return { ...plain, https: undefined };
  try {
    const secureServer = https.createServer(certificate, listener);
    onServer?.(secureServer);
    const secure = await listenOnLoopback(secureServer, httpsPort, names);
    const close = async () => void (await Promise.all([plain.close(), secure.close()]));
    return { url: plain.url, https: { url: secure.url, certificate: certificate.cert }, close };
  } catch (error) {
    await plain.close();
    throw error;
  }
}
