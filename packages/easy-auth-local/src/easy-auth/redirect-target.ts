/**
 * Returns the address that a sign-in or sign-out may lead to: a path of this site, or an address of it or of
 * `externalUrls`, made absolute so that no path can be read as another host. Undefined for everything else: `//host`,
 * `\\host`, user info, other schemes.
 */
export function redirectTarget(asked: string, siteUrl: string, externalUrls: readonly string[]): string | undefined {
  if (!URL.canParse(asked, siteUrl)) return undefined;
  const target = new URL(asked, siteUrl);
  if (target.username !== "" || target.password !== "") return undefined;
  if (target.origin === new URL(siteUrl).origin) return `${siteUrl}${target.pathname}${target.search}${target.hash}`;
  return externalUrls.some((url) => matches(target, url)) ? target.href : undefined;
}

/** Compares an address with a listed one, without the query; a listed host allows all its paths. */
function matches(target: URL, listed: string): boolean {
  if (!URL.canParse(listed)) return false;
  const { origin, pathname } = new URL(listed);
  return (
    /^https?:$/.test(target.protocol) && target.origin === origin && (pathname === "/" || pathname === target.pathname)
  );
}
