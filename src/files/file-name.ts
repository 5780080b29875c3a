import { AppError } from "../errors.ts";

const MAX_LENGTH = 1024;

/**
 * The name of a blob in a route's rest. The host decodes the path but for `%2F`, which callers write for a slash.
 *
 * @throws AppError `not_found` for a name that no file of the container can have
 */
export function fileNameFrom(routeRest = ""): string {
  const name = routeRest.replace(/%2f/gi, "/");
  const isElsewhere = name.split(/[/\\]/).some((segment) => segment === "." || segment === "..");
  if (name !== "" && name.length <= MAX_LENGTH && !isElsewhere) return name;
  throw new AppError("not_found", { hint: "No file of the container can have that name." });
}

/** Offers the file for download, whatever it holds: it never runs as a page. https://www.rfc-editor.org/rfc/rfc8187#section-3.2 */
export function attachment(name: string): string {
  const value = encodeURIComponent(name.split("/").at(-1) ?? "");
  return `attachment; filename*=UTF-8''${value.replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)}`;
}
