import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

/** Debian's; elsewhere `CHROMIUM` names another, or the Chrome that is installed is taken. */
const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Starts the browser. It finds no machine but this one. */
export function launchChromium(): Promise<Browser> {
  const installed = existsSync(EXECUTABLE) ? { executablePath: EXECUTABLE } : { channel: "chrome" };
  return chromium.launch({ ...installed, args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost"] });
}
