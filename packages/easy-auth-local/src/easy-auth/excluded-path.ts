import type { AuthSettings } from "./auth-settings.ts";
import type { Switches } from "./switches.ts";

/**
 * Tells whether the gate leaves this path alone: an entry itself, or all below one that ends in `/*`.
 * A path with an encoded separator means different things to different servers, so it is never excluded.
 */
export function isExcluded(
  path: string,
  { globalValidation }: AuthSettings,
  { excludedPathMatch }: Pick<Switches, "excludedPathMatch">,
): boolean {
  if (/%2f|%5c/i.test(path)) return false;
  return (globalValidation.excludedPaths ?? []).some((entry) => {
    if (entry.endsWith("/*")) return path.startsWith(entry.slice(0, -1));
    return path === entry || (excludedPathMatch === "prefix" && path.startsWith(`${entry}/`));
  });
}
