/** Whose blobs users are shown. */
export interface StorageSettings {
  /** Without a slash at the end: `https://<account>.blob.core.windows.net`. */
  readonly accountUrl: string;
  readonly container: string;
}

/** https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata#container-names */
const CONTAINER = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;

/** The two settings that turn the routes for files on; undefined without both. Over https alone: a user's token goes there. */
export function readStorage(accountUrl = "", container = "", problems: string[]): StorageSettings | undefined {
  if (accountUrl.trim() === "" && container.trim() === "") return undefined;
  const url = URL.canParse(accountUrl) ? new URL(accountUrl) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.search !== "" || url.hash !== "") {
    problems.push(
      "STORAGE_ACCOUNT_URL is not the https address of a storage account. Use https://<account>.blob.core.windows.net, " +
        "or remove STORAGE_CONTAINER too.",
    );
  }
  if (!CONTAINER.test(container.trim())) {
    problems.push(
      "STORAGE_CONTAINER is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens. Correct " +
        "it, or remove STORAGE_ACCOUNT_URL too.",
    );
  }
  return { accountUrl: url?.href.replace(/\/$/, "") ?? "", container: container.trim() };
}
