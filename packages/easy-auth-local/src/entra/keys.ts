import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  CompactSign,
  type CryptoKey,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  SignJWT,
} from "jose";

/** The stack's signing keys. Nothing outside of it trusts them. */
export interface SigningKeys {
  /** Id of the key that signs. */
  readonly keyId: string;
  /** The public halves, as discovery serves them: the next key, the one that signs, and earlier ones. */
  readonly jwks: JSONWebKeySet;
  /** Finds the key of a token, for `jwtVerify`. */
  readonly verificationKeys: JWTVerifyGetKey;
  sign(claims: JWTPayload): Promise<string>;
  /**
   * Signs as Entra signs tokens for Microsoft Graph: the header that was signed holds the SHA-256 of the nonce that the
   * token's header shows, so that only Graph can check the signature.
   */
  signForGraph(claims: JWTPayload): Promise<string>;
  /** Signs with the next key from now on, and publishes one to follow it. What earlier keys signed still verifies. */
  rotate(): Promise<void>;
}

/** The next key, the one that signs, and two earlier ones. */
const KEYS_PUBLISHED = 4;
const FILE = "signing-keys.json";

/**
 * Makes the signing keys, or reads those that an earlier start kept in `folder`, so that its tokens stay good.
 *
 * A key is published before it signs, as Entra does: .NET's APIs read new keys when they meet one that they do not know, and
 * then not for five minutes.
 * https://learn.microsoft.com/dotnet/api/microsoft.identitymodel.protocols.configurationmanager-1
 */
export async function createSigningKeys(folder?: string): Promise<SigningKeys> {
  const file = folder && path.join(folder, FILE);
  const kept = file && (await readKeys(file));
  let keys = kept || (await Promise.all([createKey(), createKey()]));
  if (file && !kept) await writeKeys(file, keys);
  const current = () => keys[1];
  const header = () => ({ alg: "RS256", typ: "JWT", kid: current().jwk.kid });
  const published = () => ({ keys: keys.map(({ jwk }) => jwk) });
  // Made once, since it caches the keys that it imports.
  let verificationKeys = createLocalJWKSet(published());
  return {
    get keyId() {
      return current().jwk.kid;
    },
    get jwks() {
      return published();
    },
    verificationKeys: (header, token) => verificationKeys(header, token),
    sign: (claims) => new SignJWT(claims).setProtectedHeader(header()).sign(current().privateKey),
    signForGraph: async (claims) => {
      const nonce = randomUUID();
      const shown = header();
      const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ ...shown, nonce: sha256(nonce) })
        .sign(current().privateKey);
      return withHeader(signed, { ...shown, nonce });
    },
    rotate: async () => {
      const [next, ...earlier] = keys;
      keys = [await createKey(), next, ...earlier.slice(0, KEYS_PUBLISHED - 2)];
      verificationKeys = createLocalJWKSet(published());
      if (file) await writeKeys(file, keys);
    },
  };
}

interface SigningKey {
  readonly privateKey: CryptoKey;
  /** The private half, for the file. */
  readonly privateJwk: JWK;
  readonly jwk: JWK & { readonly kid: string };
}

/** Keys, the newest first; that one does not sign yet. */
type Keys = readonly [next: SigningKey, current: SigningKey, ...earlier: SigningKey[]];

async function createKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("RS256", { modulusLength: 2048, extractable: true });
  return signingKey(privateKey, { ...(await exportJWK(privateKey)), kid: randomUUID() });
}

function signingKey(privateKey: CryptoKey, privateJwk: JWK & { readonly kid: string }): SigningKey {
  const { kid, n = "", e = "" } = privateJwk;
  return { privateKey, privateJwk, jwk: { kty: "RSA", n, e, kid, use: "sig", alg: "RS256" } };
}

/** Reads the keys of an earlier start; undefined when there are none, or the file holds something else. */
async function readKeys(file: string): Promise<Keys | undefined> {
  const stored = parseJson(await readFile(file, "utf8").catch(() => ""));
  if (!Array.isArray(stored)) return undefined;
  try {
    const [next, current, ...earlier] = await Promise.all(stored.map(importKey));
    return next && current && [next, current, ...earlier];
  } catch {
    return undefined;
  }
}

async function importKey(jwk: JWK & { readonly kid: string }): Promise<SigningKey> {
  return signingKey((await importJWK(jwk, "RS256")) as CryptoKey, jwk);
}

/** Replaces the file at once: another stack of the folder may be reading it. */
async function writeKeys(file: string, keys: Keys): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const written = `${file}.${randomUUID()}`;
  await writeFile(written, JSON.stringify(keys.map(({ privateJwk }) => privateJwk)), { mode: 0o600 });
  await rename(written, file);
}

/** Makes the token that Graph verifies: its header holds the hash of the nonce. Undefined for a token without a nonce. */
export function withHashedNonce(graphToken: string): string | undefined {
  const header: unknown = parseJson(Buffer.from(graphToken.split(".")[0] ?? "", "base64url").toString());
  if (typeof header !== "object" || header === null || !("nonce" in header)) return undefined;
  return withHeader(graphToken, { ...header, nonce: sha256(String(header.nonce)) });
}

function withHeader(token: string, header: object): string {
  const [, payload, signature] = token.split(".");
  return [Buffer.from(JSON.stringify(header)).toString("base64url"), payload, signature].join(".");
}

function sha256(value: string): string {
  return createHash("sha256").update(value).digest("base64url");
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
