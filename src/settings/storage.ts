import { isLoopback, plainUrlOf, textOf, type Variables } from "./values.ts";

/** The container of the files routes, and how clients get its blobs. */
export interface StorageSettings {
  /** Address of the account, without a slash at the end: `https://<account>.blob.core.windows.net`. */
  readonly accountUrl: string;
  readonly accountName: string;
  readonly containerName: string;
  /** Address at which clients reach the account, without a slash at the end. */
  readonly publicUrl: string;
  /** Way of a file: clients are redirected to Storage, or this API relays it to clients that cannot reach Storage. */
  readonly delivery: "redirect" | "relay";
}

export const STORAGE_SETTING_NAMES = [
  "STORAGE_ACCOUNT_URL",
  "STORAGE_CONTAINER",
  "STORAGE_DELIVERY",
  "STORAGE_PUBLIC_URL",
] as const;

/**
 * Form of a container name:
 * https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names
 */
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
/** Form of an address with the account's name in its host name; at an emulator, in its path. */
const ACCOUNT_IN_HOST = /^([a-z0-9]{3,24})(?:\.z\d+)?\.blob\./;
const ACCOUNT_IN_PATH = /^\/([a-z0-9]{3,24})\/?$/;

/** Reads the settings that turn the files routes on; undefined without the first two. Requires https: users' tokens go there. */
export function readStorage(
  environment: Variables<(typeof STORAGE_SETTING_NAMES)[number]>,
  problems: string[],
): StorageSettings | undefined {
  const account = textOf(environment, "STORAGE_ACCOUNT_URL");
  const containerName = textOf(environment, "STORAGE_CONTAINER");
  const delivery = textOf(environment, "STORAGE_DELIVERY") || "redirect";
  const open = textOf(environment, "STORAGE_PUBLIC_URL");
  if (!account && !containerName) return undefined;
  const url = addressOf(account, false);
  const publicUrl = open === "" ? url : addressOf(open, true);
  const accountName = url && accountIn(url);
  if (!url || !accountName) {
    problems.push(
      "STORAGE_ACCOUNT_URL is not the https address of a storage account. Use https://<account>.blob.core.windows.net, " +
        "or remove STORAGE_CONTAINER too. A custom domain goes into STORAGE_PUBLIC_URL.",
    );
  }
  if (!CONTAINER.test(containerName)) {
    problems.push(
      "STORAGE_CONTAINER is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens. Correct " +
        "it, or remove STORAGE_ACCOUNT_URL too.",
    );
  }
  if (delivery !== "redirect" && delivery !== "relay") {
    problems.push("STORAGE_DELIVERY is neither redirect nor relay. Remove the setting for redirect.");
  }
  if (open !== "" && !publicUrl) {
    problems.push(
      "STORAGE_PUBLIC_URL is not an https address. Use the one at which browsers reach the storage account, or remove " +
        "the setting for STORAGE_ACCOUNT_URL.",
    );
  }
  return {
    ...{ accountUrl: withoutSlash(url), accountName: accountName ?? "", containerName },
    publicUrl: withoutSlash(publicUrl),
    delivery: delivery === "relay" ? "relay" : "redirect",
  };
}

/** Returns the account's name; undefined when a container or blob follows, since all calls would lead elsewhere. */
function accountIn({ hostname, pathname }: URL): string | undefined {
  const inHost = ACCOUNT_IN_HOST.exec(hostname);
  if (inHost) return pathname === "/" ? inHost[1] : undefined;
  return ACCOUNT_IN_PATH.exec(pathname)?.[1];
}

/** Reads an address without credentials, query or fragment: https, or with `mayBeLocal` http on this machine too. */
function addressOf(text: string, mayBeLocal: boolean): URL | undefined {
  const url = plainUrlOf(text);
  const isLocal = mayBeLocal && url?.protocol === "http:" && isLoopback(url);
  return url?.protocol === "https:" || isLocal ? url : undefined;
}

function withoutSlash(url: URL | undefined): string {
  return url?.href.replace(/\/$/, "") ?? "";
}
