import { createHash, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Debian's Chromium. `CHROMIUM` names another; without either, an installed Chrome is used. */
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Tells whether a browser is where `launchChromium` looks first. */
export function hasChromium(): boolean {
  return existsSync(EXECUTABLE);
}

/**
 * Starts the browser, which can reach only this machine.
 *
 * @param trusted certificates in PEM that it accepts whoever signed them
 */
export function launchChromium(trusted: readonly string[] = []): Promise<Browser> {
  const installed = hasChromium() ? { executablePath: EXECUTABLE } : { channel: "chrome" };
  const args = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
    `--ignore-certificate-errors-spki-list=${trusted.map(publicKeyHash).join(",")}`,
  ];
  return chromium.launch({ ...installed, args });
}

/** The SHA-256 of a certificate's public key (SPKI), in base64. */
function publicKeyHash(certificate: string): string {
  const spki = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64");
}
