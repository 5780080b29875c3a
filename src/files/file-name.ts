import { AppError } from "../errors.ts";

const MAX_LENGTH = 1024;

/**
 * Returns the blob's name in the rest of a route. The host decodes all of it but `%2F`, which clients send for a slash.
 * Storage takes no control characters, and a line end would split what a link's signature covers.
 *
 * @throws AppError `not_found` for a name that no file of the container can have
 */
export function fileNameFrom(routeRest = ""): string {
  const name = routeRest.replace(/%2f/gi, "/");
  const isElsewhere = name.split(/[/\\]/).some((segment) => segment === "." || segment === "..");
  if (name !== "" && name.length <= MAX_LENGTH && !isElsewhere && !/\p{Cc}/u.test(name)) return name;
  throw new AppError("not_found", { hint: "No file of the container can have that name." });
}

/**
 * Returns the `Content-Disposition` of a download, so that no file runs as a page.
 * https://www.rfc-editor.org/rfc/rfc8187#section-3.2
 */
export function attachment(name: string): string {
  const value = encodeURIComponent(name.split("/").at(-1) ?? "");
  return `attachment; filename*=UTF-8''${value.replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}
