import { type Certificate, createCertificate } from "../http/certificate.ts";
import type { Closers } from "../stack/closers.ts";
import { carryTrace } from "../trace/carry.ts";
import type { Traces } from "../trace/traces.ts";
import type { Gate } from "./access.ts";
import type { Storage, StorageOptions } from "./server.ts";
import type { Tables } from "./tables.ts";

/** Starts the storage account of a stack. Requests of this process to it join the trace that they are made for. */
export async function startStackStorage(options: StorageOptions, traces: Traces, closers: Closers): Promise<Storage> {
  // Loaded when asked for: Storage's client takes longer to load than the rest of the stack.
  const { startStorage } = await import("./server.ts");
  const storage = await closers.started(startStorage(options));
  closers.addShared(carryTrace(new URL(storage.accountUrl).host, () => traces.traceParent));
  return storage;
}

/** Starts the Table storage of a stack. */
export async function startStackTables(
  { certificate, ...gate }: Gate & { readonly certificate: Certificate | undefined },
  closers: Closers,
): Promise<Tables> {
  const { startTables } = await import("./tables.ts");
  return closers.started(startTables({ ...gate, certificate: certificate ?? (await createCertificate()) }));
}

/** Returns the settings that turn the app's routes for files on. */
export function settingsFor({ accountUrl, publicUrl, container }: Storage): Readonly<Record<string, string>> {
  return {
    STORAGE_ACCOUNT_URL: accountUrl,
    STORAGE_CONTAINER: container.containerName,
    STORAGE_PUBLIC_URL: publicUrl,
  };
}
