import { createHash, randomUUID } from "node:crypto";
import {
  CompactSign,
  createLocalJWKSet,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
  type JWTPayload,
  type JWTVerifyGetKey,
  SignJWT,
} from "jose";

/** The emulator's signing keys: made at start, kept in memory, trusted by nothing else. */
export interface SigningKeys {
  /** Of the key that signs. */
  readonly keyId: string;
  /** The public halves, as discovery serves them. */
  readonly jwks: JSONWebKeySet;
  /** For `jwtVerify`. */
  readonly verificationKeys: JWTVerifyGetKey;
  sign(claims: JWTPayload): Promise<string>;
  /**
   * Signs as Entra signs tokens for Microsoft Graph: the header that was signed holds the SHA-256 of the nonce that the
   * token's header shows, so that only Graph can check the signature.
   */
  signForGraph(claims: JWTPayload): Promise<string>;
  /** Signs with a new key from now on. What the last ones signed still verifies. */
  rotate(): Promise<void>;
}

const KEYS_PUBLISHED = 3;

export async function createSigningKeys(): Promise<SigningKeys> {
  let keys: readonly [SigningKey, ...SigningKey[]] = [await createKey()];
  const header = () => ({ alg: "RS256", typ: "JWT", kid: keys[0].jwk.kid });
  const published = () => ({ keys: keys.map(({ jwk }) => jwk) });
  // Kept, since it keeps the keys it imported.
  let verificationKeys = createLocalJWKSet(published());
  return {
    get keyId() {
      return keys[0].jwk.kid;
    },
    get jwks() {
      return published();
    },
    verificationKeys: (header, token) => verificationKeys(header, token),
    sign: (claims) => new SignJWT(claims).setProtectedHeader(header()).sign(keys[0].privateKey),
    signForGraph: async (claims) => {
      const nonce = randomUUID();
      const shown = header();
      const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ ...shown, nonce: sha256(nonce) })
        .sign(keys[0].privateKey);
      return withHeader(signed, { ...shown, nonce });
    },
    rotate: async () => {
      keys = [await createKey(), ...keys.slice(0, KEYS_PUBLISHED - 1)];
      verificationKeys = createLocalJWKSet(published());
    },
  };
}

interface SigningKey {
  readonly privateKey: GenerateKeyPairResult["privateKey"];
  readonly jwk: JWK & { readonly kid: string };
}

async function createKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { modulusLength: 2048 });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), use: "sig", alg: "RS256" } };
}

/** The token whose signature holds, made from one whose header shows the nonce itself; undefined without a nonce. */
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
