import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Certificate, createCertificate } from "../../emulator/entra/certificate.ts";
import { trust } from "./trust.ts";

const AZURITE = fileURLToPath(new URL("../../node_modules/azurite/dist/src/blob/main.js", import.meta.url));

export interface Azurite {
  /** `https://127.0.0.1:<port>`; its one account is `devstoreaccount1`, the first segment of the path. */
  readonly origin: string;
  /** What it, and whoever stands before it, is known by; trusted by this process while it runs. */
  readonly certificate: Certificate;
  close(): Promise<void>;
}

/**
 * Starts Microsoft's emulator of Azure Storage, blobs in memory. It takes tokens over https alone, and checks audience,
 * issuer and times of them, but neither signature nor roles.
 */
export async function startAzurite(): Promise<Azurite> {
  const folder = await mkdtemp(join(tmpdir(), "azurite-"));
  const certificate = await createCertificate();
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  await Promise.all([writeFile(cert, certificate.cert), writeFile(key, certificate.key)]);
  // The newest that runs on Node 20 knows older versions of Storage's API than the client asks for.
  const flags = [
    "--skipApiVersionCheck",
    "--inMemoryPersistence",
    "--disableTelemetry",
    "--silent",
    "--blobPort",
    "0",
    "--oauth",
    "basic",
  ];
  const child = spawn(process.execPath, [AZURITE, ...flags, "--cert", cert, "--key", key], { cwd: folder });
  const distrust = trust(certificate.cert);
  const close = async () => {
    distrust();
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "close");
    }
    await rm(folder, { recursive: true });
  };
  const origin = await originOf(child).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { origin, certificate, close };
}

function originOf(child: ChildProcess): Promise<string> {
  let output = "";
  return new Promise((resolve, reject) => {
    const listen = (chunk: Buffer) => {
      output += chunk.toString();
      const origin = /successfully listens on (https:\S+)/.exec(output)?.[1];
      if (origin) resolve(origin);
    };
    child.stdout?.on("data", listen);
    child.stderr?.on("data", listen);
    child.once("close", () => reject(new Error(`Azurite ended:\n${output}`)));
  });
}
