import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from "jose";

const FRESH_MS = 3_600_000;
const USABLE_MS = 24 * 3_600_000;
const COOLDOWN_MS = 30_000;

/**
 * Makes a function for `jwtVerify` that finds public keys at an address. They are read at first use, then every hour, and
 * when a token names an unknown key, at most once in 30 s: keys rotate without a restart, and made-up key ids cannot make
 * this app read them over and over. While they cannot be read, the last ones serve for up to 24 h
 * (https://learn.microsoft.com/entra/identity-platform/signing-key-rollover). A key that is published with the issuer of
 * one tenant does not verify tokens of another
 * (https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens).
 *
 * @param timeoutMs for one request of the keys
 */
export function createPublicKeys(url: URL, timeoutMs: number): JWTVerifyGetKey {
  let remote: ReturnType<typeof createRemoteJWKSet> | undefined;
  let last: { readonly keys: JWTVerifyGetKey; readonly usableUntil: number } | undefined;
  let nextReading = 0;

  const find: JWTVerifyGetKey = async (header, token) => {
    // Made at first use: it loads fetch, which takes longer to load than the rest of this app.
    remote ??= createRemoteJWKSet(url, {
      timeoutDuration: timeoutMs,
      cooldownDuration: COOLDOWN_MS,
      cacheMaxAge: FRESH_MS,
    });
    if (last && Date.now() < nextReading) return last.keys(header, token);
    try {
      const key = await remote(header, token);
      last = { keys: remote, usableUntil: Date.now() + USABLE_MS };
      return key;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      const known = remote.jwks();
      if (!known || !last || Date.now() > last.usableUntil) throw error;
      nextReading = Date.now() + COOLDOWN_MS;
      last = { ...last, keys: createLocalJWKSet(known) };
      return last.keys(header, token);
    }
  };

  return async (header, token) => {
    // Without a key id, jose would take an only key, whichever tenant it is for.
    if (header.kid === undefined) throw new errors.JWKSNoMatchingKey();
    const key = await find(header, token);
    const tenant = tenantOfKey(remote?.jwks(), header.kid);
    if (tenant === undefined) return key;
    const { tid } = decodeJwt(`${token.protected}.${token.payload}.${token.signature}`);
    if (String(tid).toLowerCase() === tenant) return key;
    throw new errors.JWKSNoMatchingKey();
  };
}

/** Returns the only tenant that a key signs for; undefined when it signs for all, or the authority does not say. */
function tenantOfKey(published: JSONWebKeySet | undefined, keyId: string | undefined): string | undefined {
  const key: object = published?.keys.find(({ kid }) => kid === keyId) ?? {};
  const issuer = "issuer" in key ? String(key.issuer) : "";
  const tenant = issuer.split("/")[3]?.toLowerCase();
  return tenant === "{tenantid}" ? undefined : tenant;
}
