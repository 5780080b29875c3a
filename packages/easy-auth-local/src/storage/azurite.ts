import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { AccountSASPermissions, BlobServiceClient, StorageSharedKeyCredential } from "@azure/storage-blob";
import { azuriteFile } from "./azurite-file.ts";

/** Azurite's one account; the first segment of every path. */
export const ACCOUNT_NAME = "devstoreaccount1";

/** Options of Azurite. The newest for Node 20 knows older versions of Storage's API than the client asks for. */
const FLAGS = "--skipApiVersionCheck --inMemoryPersistence --disableTelemetry --silent".split(" ");
/** Module that ends Azurite when its standard input ends, as it does with this process. */
const END_WITH_PARENT = "data:text/javascript,process.stdin.on('end',()=>process.exit()).resume()";
const START_WITHIN_MS = 60_000;
/** Expiry of Azurite's signatures: later than any clock can be put forward. */
const NEVER = new Date("9999-12-31");

/** Azurite, running. */
export interface Azurite {
  /** Address of the service: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Client with the rights of the account owner. */
  readonly account: BlobServiceClient;
  /** Account signature for the query of a request: allows reading all of the account. */
  readonly readSignature: string;
  /** Resolves with the reason when it ends without having been told to. */
  readonly ended: Promise<string>;
  close(): Promise<void>;
}

/**
 * Starts Microsoft's emulator of Azure Storage in a process of its own, blobs in memory, with an account key that is new
 * each time. It knows no users or roles. Rejects with a sentence when it does not start.
 */
export async function startAzurite(program = azuriteFile("main.js")): Promise<Azurite> {
  const { key, url, ...running } = await launchAzurite(program, ["--blobPort", "0"]);
  const account = new BlobServiceClient(`${url}/${ACCOUNT_NAME}`, new StorageSharedKeyCredential(ACCOUNT_NAME, key));
  const readSignature = new URL(account.generateAccountSasUrl(NEVER, AccountSASPermissions.parse("rl"), "sco")).search;
  return { url, account, readSignature: readSignature.slice(1), ...running };
}

/** A service of Azurite in a process of its own, with the key of its account. */
export interface AzuriteService extends Pick<Azurite, "url" | "ended" | "close"> {
  /** Account key in base64. */
  readonly key: string;
}

/** Starts a service of Azurite. Rejects with a sentence when it does not start. */
export async function launchAzurite(program: string, flags: readonly string[]): Promise<AzuriteService> {
  const key = randomBytes(64).toString("base64");
  const child = spawn(process.execPath, ["--import", END_WITH_PARENT, program, ...FLAGS, ...flags], {
    cwd: tmpdir(),
    env: { ...process.env, NODE_OPTIONS: "", AZURITE_ACCOUNTS: `${ACCOUNT_NAME}:${key}` },
    // A group of its own: Ctrl-C is for the stack, which ends it last.
    detached: process.platform !== "win32",
  });
  const ended = once(child, "close").then(
    ([code, signal]) => `Azurite ended (${signal ?? `exit code ${code}`}).`,
    (error: Error) => `Azurite: ${error.message}.`,
  );
  const close = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const url = await urlOf(child, ended).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { url, key, ended, close };
}

/** Resolves to the address that Azurite prints. */
function urlOf(child: ChildProcess, ended: Promise<string>): Promise<string> {
  let output = "";
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      clearTimeout(timer);
      const words = /^\w*Error\b.*$/m.exec(output)?.[0] ?? "";
      reject(
        new Error(
          `Azurite, which --files and --shared-cache need, did not start; npm ci installs it. ${why} ${words}`.trim(),
        ),
      );
    };
    const timer = setTimeout(
      () => fail(`It did not listen within ${START_WITHIN_MS / 1000} seconds.`),
      START_WITHIN_MS,
    );
    const listen = (chunk: Buffer) => {
      output += chunk.toString();
      const url = /successfully (?:listens|started) on (?:http:\/\/)?(\S+)/.exec(output)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      // Nothing else that it prints is kept.
      for (const stream of [child.stdout, child.stderr]) stream?.off("data", listen).resume();
      resolve(`http://${url}`);
    };
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", listen);
    void ended.then(fail);
  });
}
