import type http from "node:http";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { CLOUDS } from "../directory/clouds.ts";
import type { Account, Directory, Registration } from "../directory/directory.ts";
import type { SigningKeys } from "../entra/keys.ts";
import { type Answer, storageError } from "./errors.ts";
import type { DelegationKeys } from "./shared-access.ts";

/** Azure Storage as Entra knows it; its tokens are of version 1. */
export const STORAGE: Registration = {
  clientId: "e406a681-f3d4-42a8-90b6-c2b029497af1",
  displayName: "Azure Storage",
  identifierUris: ["https://storage.azure.com"],
  scopes: ["user_impersonation"],
  requestedAccessTokenVersion: 1,
};

/** Directory and signing keys by which Storage checks a token. */
export interface Gate {
  readonly directory: Directory;
  /** Entra's keys: Storage accepts only tokens that they signed. */
  readonly keys: SigningKeys;
}

/** Request with a valid token, or by a link that a user signed. */
export interface StorageRequest {
  readonly method: string;
  /** Path with its query, without the signature of a link. */
  readonly path: string;
  /** Access token; empty for a request by a link. */
  readonly token: string;
  readonly account: Account;
}

/**
 * Returns the request with its user, known by a token for Storage that Entra signed for this tenant and that has not
 * ended, or by a link that the user signed; else a refusal.
 */
export async function authenticate(
  request: http.IncomingMessage,
  gate: Gate,
  delegationKeys: DelegationKeys,
): Promise<StorageRequest | Answer> {
  if (/[?&]sig=/.test(request.url ?? "")) {
    const signer = delegationKeys.signerOf(request, gate.directory);
    return "status" in signer ? signer : { method: request.method ?? "GET", token: "", ...signer };
  }
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) return unauthorized(gate, "NoAuthenticationInformation", "The request has no token.");
  const verified = await verifyToken(token, gate);
  if (typeof verified === "string") return unauthorized(gate, "InvalidAuthenticationInfo", verified);
  const account = gate.directory.accountById(String(verified.oid));
  if (!account) return unauthorized(gate, "InvalidAuthenticationInfo", "The tenant does not know the user.");
  return { method: request.method ?? "GET", path: request.url ?? "/", token, account };
}

/**
 * Whether a request asks for a user delegation key:
 * https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key
 */
export function asksForDelegationKey({ method, path }: StorageRequest): boolean {
  return method === "POST" && /[?&]comp=userdelegationkey(&|$)/.test(path);
}

/**
 * Returns the refusal of a request that the role Storage Blob Data Reader does not cover: it allows only reading. A role on
 * the container alone gives no delegation key, which belongs to the account:
 * https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key#authorization
 */
export function refusalByRole(request: StorageRequest): Answer | undefined {
  const { method, account } = request;
  const { storageRole = "account" } = account;
  const isReading = method === "GET" || method === "HEAD";
  if (isReading && storageRole !== "none") return undefined;
  if (asksForDelegationKey(request) && storageRole === "account") return undefined;
  const text = "This request is not authorized to perform this operation using this permission.";
  return storageError(403, "AuthorizationPermissionMismatch", {}, text);
}

/** Returns the token's claims, or what is wrong with it. */
export async function verifyToken(token: string, { keys, directory }: Gate): Promise<JWTPayload | string> {
  const options = { audience: AUDIENCES, issuer: issuersOf(directory), algorithms: ["RS256"] };
  try {
    return (await jwtVerify(token, keys.verificationKeys, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "Lifetime validation failed. The token is expired.";
    if (!(error instanceof errors.JWTClaimValidationFailed)) return "Signature validation failed.";
    return error.claim === "aud" ? "Audience validation failed." : "Issuer or lifetime validation failed.";
  }
}

/**
 * Audiences of tokens for Storage, with and without a slash:
 * https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
 */
const AUDIENCES = ["https://storage.azure.com", "https://storage.azure.com/", STORAGE.clientId];

function issuersOf({ tenant }: Directory): string[] {
  return CLOUDS.map(({ v1IssuerOrigin }) => `${v1IssuerOrigin}/${tenant.id}/`);
}

/** Makes the 401 with the bearer challenge of the same page. */
export function unauthorized({ directory }: Gate, code: string, message: string): Answer {
  const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/${directory.tenant.id}/oauth2/authorize resource_id=https://storage.azure.com`;
  return storageError(401, code, { "www-authenticate": challenge }, message);
}
