/** The container of the files routes, and how clients get its blobs. */
export interface StorageSettings {
  /** Address of the account, without a slash at the end: `https://<account>.blob.core.windows.net`. */
  readonly accountUrl: string;
  readonly accountName: string;
  readonly containerName: string;
  /** Address at which clients reach the account, without a slash at the end. */
  readonly publicUrl: string;
  /** Whether clients are redirected to Storage, or this API relays, where they cannot reach it. */
  readonly delivery: "redirect" | "relay";
}

export const STORAGE_SETTING_NAMES = [
  "STORAGE_ACCOUNT_URL",
  "STORAGE_CONTAINER",
  "STORAGE_DELIVERY",
  "STORAGE_PUBLIC_URL",
] as const;

type StorageEnvironment = Readonly<Partial<Record<(typeof STORAGE_SETTING_NAMES)[number], string>>>;

/** Form of a container name: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names */
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
/** Reads the account's name in the host name, or, at an emulator, in the path. */
const ACCOUNT_IN_HOST = /^([a-z0-9]{3,24})(?:\.z\d+)?\.blob\./;
const ACCOUNT_IN_PATH = /^\/([a-z0-9]{3,24})\/?$/;
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/** Reads the settings that turn the files routes on; undefined without the first two. Requires https: users' tokens go there. */
export function readStorage(environment: StorageEnvironment, problems: string[]): StorageSettings | undefined {
  const [account, containerName, delivery, open] = STORAGE_SETTING_NAMES.map((name) =>
    (environment[name] ?? "").trim(),
  );
  if (!account && !containerName) return undefined;
  const url = addressOf(account, false);
  const accountName = url && accountIn(url);
  if (!url || !accountName) {
    problems.push(
      "STORAGE_ACCOUNT_URL is not the https address of a storage account. Use https://<account>.blob.core.windows.net, " +
        "or remove STORAGE_CONTAINER too. A custom domain goes into STORAGE_PUBLIC_URL.",
    );
  }
  if (!CONTAINER.test(containerName ?? "")) {
    problems.push(
      "STORAGE_CONTAINER is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens. Correct " +
        "it, or remove STORAGE_ACCOUNT_URL too.",
    );
  }
  if (delivery && delivery !== "redirect" && delivery !== "relay") {
    problems.push("STORAGE_DELIVERY is neither redirect nor relay. Remove the setting for redirect.");
  }
  if (open && !addressOf(open, true)) {
    problems.push(
      "STORAGE_PUBLIC_URL is not an https address. Use the one at which browsers reach the storage account, or remove " +
        "the setting for STORAGE_ACCOUNT_URL.",
    );
  }
  const accountUrl = withoutSlash(url);
  return {
    ...{ accountUrl, accountName: accountName ?? "", containerName: containerName ?? "" },
    publicUrl: open ? withoutSlash(addressOf(open, true)) : accountUrl,
    delivery: delivery === "relay" ? "relay" : "redirect",
  };
}

/** A container or a blob after the host's account is a mistake: all calls would lead elsewhere. */
function accountIn({ hostname, pathname }: URL): string | undefined {
  const inHost = ACCOUNT_IN_HOST.exec(hostname);
  if (inHost) return pathname === "/" ? inHost[1] : undefined;
  return ACCOUNT_IN_PATH.exec(pathname)?.[1];
}

/** Reads an address without credentials, query or fragment. Takes http at loopback only, where no token of ours goes. */
function addressOf(text = "", mayBeLocal: boolean): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || `${url.username}${url.password}${url.search}${url.hash}` !== "") return undefined;
  const isOpen = mayBeLocal && url.protocol === "http:" && LOOPBACK.test(url.hostname);
  return url.protocol === "https:" || isOpen ? url : undefined;
}

function withoutSlash(url: URL | undefined): string {
  return url?.href.replace(/\/$/, "") ?? "";
}
