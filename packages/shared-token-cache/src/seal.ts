import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";

/** Values that an entry is bound to: with another value, another entry is found, and this one cannot be opened. */
export interface EntryBinding {
  /** The user's access token for this API, from which the entry's key is derived. */
  readonly assertion: string;
  /** For example `https://login.microsoftonline.com`. */
  readonly authorityOrigin: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Name and key of one entry. */
export interface EntryKeys {
  /** 32 bytes, which reveal nothing of the assertion. */
  readonly id: Buffer;
  /** 32 bytes, for AES-256-GCM. Never leaves the process. */
  readonly key: Buffer;
}

/** Content of an entry. */
export interface SealedToken {
  readonly accessToken: string;
  /** Seconds since 1970 when the token is no longer handed out. */
  readonly end: number;
}

/** Bytes that an entry may have; a longer one is not read. */
export const MAX_ENTRY_BYTES = 32_768;

const PURPOSE = "fobo/l2/v1";
const VERSION = Buffer.of(1);
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

/**
 * Derives an entry's name and key from the assertion (HKDF-SHA256, https://www.rfc-editor.org/rfc/rfc5869), so that the
 * store alone, or the store with this app's settings, opens nothing. The scopes go in as their SHA-256, because HKDF takes
 * 1,024 bytes of such context at most.
 */
export function entryKeysFor({ assertion, authorityOrigin, tenantId, clientId, scopes }: EntryBinding): EntryKeys {
  const sortedScopes = createHash("sha256")
    .update([...scopes].sort().join(" "))
    .digest();
  const fields = [authorityOrigin, tenantId, clientId, sortedScopes].map((field) => withLength(Buffer.from(field)));
  const info = Buffer.concat([Buffer.from(PURPOSE), ...fields]);
  const okm = Buffer.from(hkdfSync("sha256", assertion, clientId, info, 64));
  return { id: okm.subarray(0, 32), key: okm.subarray(32) };
}

/** Encrypts a token for the store: version, 12 random bytes, AES-256-GCM, tag. */
export function seal({ id, key }: EntryKeys, token: SealedToken): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, key, iv).setAAD(Buffer.concat([VERSION, id]));
  const sealed = [cipher.update(JSON.stringify(token)), cipher.final()];
  return Buffer.concat([VERSION, iv, ...sealed, cipher.getAuthTag()]);
}

/** Opens an entry; undefined for whatever `seal` did not make with these keys. Does not look at `end`. */
export function open({ id, key }: EntryKeys, entry: Uint8Array): SealedToken | undefined {
  const isPlausible = entry.length > 1 + IV_BYTES + TAG_BYTES && entry.length <= MAX_ENTRY_BYTES;
  if (!isPlausible || entry[0] !== VERSION[0]) return undefined;
  const iv = entry.subarray(1, 1 + IV_BYTES);
  const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([VERSION, id])).setAuthTag(entry.subarray(-TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(entry.subarray(1 + IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return tokenOf(JSON.parse(text.toString()));
  } catch {
    return undefined;
  }
}

function tokenOf({ accessToken, end }: Partial<SealedToken>): SealedToken | undefined {
  return typeof accessToken === "string" && typeof end === "number" ? { accessToken, end } : undefined;
}

/** Zero, the length in four bytes, the bytes: no two lists of fields are the same when they are joined. */
function withLength(field: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(field.length, 1);
  return Buffer.concat([head, field]);
}
