import type http from "node:http";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { CLOUDS } from "../directory/clouds.ts";
import { type Account, type Directory, type Registration, TENANT_ID } from "../directory/directory.ts";
import type { SigningKeys } from "../entra/keys.ts";
import { type Answer, storageError } from "./errors.ts";

/** Azure Storage as Entra knows it; its tokens are of version 1. */
export const STORAGE: Registration = {
  clientId: "e406a681-f3d4-42a8-90b6-c2b029497af1",
  displayName: "Azure Storage",
  identifierUris: ["https://storage.azure.com"],
  scopes: ["user_impersonation"],
  requestedAccessTokenVersion: 1,
};

/** Who decides, and by what. */
export interface Gate {
  readonly directory: Directory;
  /** Entra's: Storage takes only tokens signed by it. */
  readonly keys: SigningKeys;
}

/** One request, of a user whose token is good. */
export interface StorageRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly token: string;
  readonly account: Account;
}

/** The request with its user, whose token is for Storage, of this tenant, in time and signed by Entra; else a refusal. */
export async function authenticate(request: http.IncomingMessage, gate: Gate): Promise<StorageRequest | Answer> {
  const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) return unauthorized("NoAuthenticationInformation", "The request has no token.");
  const verified = await verify(token, gate.keys);
  if (typeof verified === "string") return unauthorized("InvalidAuthenticationInfo", verified);
  const account = gate.directory.accountById(String(verified.oid));
  if (!account) return unauthorized("InvalidAuthenticationInfo", "The tenant does not know the user.");
  return { method: request.method ?? "GET", path: request.url ?? "/", token, account };
}

/**
 * What the user's role does not allow. Who has one has Storage Blob Data Reader on the whole account, so that reading is
 * all they may: https://learn.microsoft.com/azure/storage/blobs/assign-azure-role-data-access
 */
export function refusalByRole({ method, account }: StorageRequest): Answer | undefined {
  const isReading = method === "GET" || method === "HEAD";
  if (isReading && account.hasStorageRole !== false) return undefined;
  const text = "This request is not authorized to perform this operation using this permission.";
  return storageError(403, "AuthorizationPermissionMismatch", {}, text);
}

/** The token's claims, or what is wrong with it. */
async function verify(token: string, keys: SigningKeys): Promise<JWTPayload | string> {
  const options = { audience: AUDIENCES, issuer: ISSUERS, algorithms: ["RS256"] };
  try {
    return (await jwtVerify(token, keys.verificationKeys, options)).payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) return "Lifetime validation failed. The token is expired.";
    if (!(error instanceof errors.JWTClaimValidationFailed)) return "Signature validation failed.";
    return error.claim === "aud" ? "Audience validation failed." : "Issuer or lifetime validation failed.";
  }
}

/** With and without a slash: https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory */
const AUDIENCES = ["https://storage.azure.com", "https://storage.azure.com/", STORAGE.clientId];

const ISSUERS = CLOUDS.map(({ v1IssuerOrigin }) => `${v1IssuerOrigin}/${TENANT_ID}/`);

/** The bearer challenge of the same page. */
function unauthorized(code: string, message: string): Answer {
  const challenge = `Bearer authorization_uri=https://login.microsoftonline.com/${TENANT_ID}/oauth2/authorize resource_id=https://storage.azure.com`;
  return storageError(401, code, { "www-authenticate": challenge }, message);
}
