import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCertificate } from "easy-auth-local/parts";
import { freePort } from "./free-port.ts";

const PROGRAM = createRequire(import.meta.url).resolve("azurite/dist/src/table/main.js");
const FLAGS = "--oauth basic --skipApiVersionCheck --inMemoryPersistence --disableTelemetry --silent";

/** Microsoft's emulator of Table storage. It accepts any token with its issuer, audience and times. */
export interface AzuriteTable {
  readonly url: string;
  /** Certificate in PEM. */
  readonly certificate: string;
  close(): Promise<void>;
}

export async function startAzuriteTable(): Promise<AzuriteTable> {
  const folder = await mkdtemp(join(tmpdir(), "azurite-table-"));
  const { key, cert: certificate } = await createCertificate();
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await Promise.all([writeFile(files.cert, certificate), writeFile(files.key, key)]);
  const port = await freePort();
  const options = [...FLAGS.split(" "), "--tablePort", String(port), "--cert", files.cert, "--key", files.key];
  const child = spawn(process.execPath, [PROGRAM, ...options], { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  const closed = once(child, "close");
  let output = "";
  for await (const chunk of child.stdout) {
    output += String(chunk);
    if (/successfully started/.test(output)) break;
  }
  return {
    url: `https://127.0.0.1:${port}/devstoreaccount1`,
    certificate,
    close: async () => {
      child.kill("SIGKILL");
      await closed;
      await rm(folder, { recursive: true });
    },
  };
}
