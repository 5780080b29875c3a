import { createHash, randomUUID } from "node:crypto";
import {
  CompactSign,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  SignJWT,
} from "jose";

/** The emulator's signing key: made at start, kept in memory, trusted by nothing else. */
export interface SigningKeys {
  readonly keyId: string;
  /** The public half, as discovery serves it. */
  readonly jwks: JSONWebKeySet;
  /** For `jwtVerify`. */
  readonly verificationKeys: ReturnType<typeof createLocalJWKSet>;
  sign(claims: JWTPayload): Promise<string>;
  /**
   * Signs as Entra signs tokens for Microsoft Graph: the header that was signed holds the SHA-256 of the nonce that the
   * token's header shows, so that only Graph can check the signature.
   */
  signForGraph(claims: JWTPayload): Promise<string>;
}

export async function createSigningKeys(): Promise<SigningKeys> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", { modulusLength: 2048 });
  const keyId = randomUUID();
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: keyId, use: "sig", alg: "RS256" }] };
  const header = { alg: "RS256", typ: "JWT", kid: keyId };
  return {
    keyId,
    jwks,
    verificationKeys: createLocalJWKSet(jwks),
    sign: (claims) => new SignJWT(claims).setProtectedHeader(header).sign(privateKey),
    signForGraph: async (claims) => {
      const nonce = randomUUID();
      const signed = await new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ ...header, nonce: sha256(nonce) })
        .sign(privateKey);
      return withHeader(signed, { ...header, nonce });
    },
  };
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
