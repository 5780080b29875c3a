import { createHash, randomUUID } from "node:crypto";
import { cloudOf, graphOriginOf } from "../directory/clouds.ts";
import {
  type Account,
  AUTHORITY_ORIGIN,
  FRONTEND,
  type Registration,
  TENANT_ID,
  usernameOf,
} from "../directory/directory.ts";
import type { SigningKeys } from "./keys.ts";

/** Seconds. Entra's access tokens last 60 to 90 minutes. */
const ACCESS_TOKEN_SECONDS = 3600;
/**
 * Seconds. Tokens that their resource may revoke last up to 28 hours:
 * https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation#token-lifetime
 */
const REVOCABLE_TOKEN_SECONDS = 86_400;

export interface ApiTokenRequest {
  readonly account: Account;
  /** API that the token is for. */
  readonly audience: Registration;
  /** App that signed the user in. */
  readonly client?: Registration;
  /** Names separated by spaces, without the API's URI. */
  readonly scope: string;
}

/** Sign-in of any user: the API that its tokens are for, the app, and the scope. */
export type SignIn = Omit<ApiTokenRequest, "account">;

type Changes = Readonly<Record<string, unknown>>;

/** Issues tokens with the claims of https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
export interface TokenIssuer {
  readonly keys: SigningKeys;
  /** Returns an issuer in the name of another cloud's authority, or of another tenant. */
  at(origin: string, tenantId: string): TokenIssuer;
  /**
   * Issues an access token of the user for one of the tenant's own APIs, in the version that it wants. `changes` replaces
   * claims.
   */
  apiToken(request: ApiTokenRequest, changes?: Changes): Promise<string>;
  idToken(account: Account, audience: Registration, nonce?: string, changes?: Changes): Promise<string>;
  /**
   * Issues an access token of the app itself, with its roles, for one of the tenant's own APIs or for Graph (undefined).
   */
  appToken(client: Registration, audience: Registration | undefined, roles: readonly string[]): Promise<string>;
  /** Issues a version 1 access token for Microsoft Graph; `isRevocable` for clients that understand claims challenges. */
  graphToken(account: Account, client: Registration, scope: string, isRevocable?: boolean): Promise<string>;
}

interface Issuing {
  readonly keys: SigningKeys;
  readonly now: () => number;
  readonly origin: string;
  readonly tenantId: string;
}

/** Makes the issuer of a tenant's tokens, at Entra's own origin. */
export function createTokenIssuer(keys: SigningKeys, now = () => Date.now(), tenantId = TENANT_ID): TokenIssuer {
  return issuerOf({ keys, now, origin: AUTHORITY_ORIGIN, tenantId });
}

/** Returns the lifetime of access tokens for the tenant's own APIs, in seconds. */
export function apiTokenSeconds({ accessTokenSeconds = ACCESS_TOKEN_SECONDS }: Account): number {
  return accessTokenSeconds;
}

/** Returns the lifetime of access tokens for Microsoft Graph, in seconds. */
export function graphTokenSeconds(isRevocable: boolean): number {
  return isRevocable ? REVOCABLE_TOKEN_SECONDS : ACCESS_TOKEN_SECONDS;
}

/** Returns the issuer of version 2 tokens. */
export function issuerV2(origin: string, tenantId: string): string {
  return `${origin}/${tenantId}/v2.0`;
}

/** Returns the issuer of version 1 tokens, which is at another host. */
export function issuerV1(origin: string, tenantId: string): string {
  return `${cloudOf(origin)?.v1IssuerOrigin ?? origin}/${tenantId}/`;
}

function issuerOf(issuing: Issuing): TokenIssuer {
  const { keys, origin, tenantId } = issuing;
  return {
    keys,
    at: (otherOrigin, otherTenantId) => issuerOf({ ...issuing, origin: otherOrigin, tenantId: otherTenantId }),
    apiToken: (request, changes = {}) => {
      const claims = request.audience.requestedAccessTokenVersion === 1 ? apiClaimsV1 : apiClaimsV2;
      return keys.sign({ ...claims(issuing, request), ...changes });
    },
    idToken: (account, audience, nonce, changes = {}) =>
      keys.sign({
        ...{ aud: audience.clientId, iss: issuerV2(origin, tenantId), ...times(issuing, ACCESS_TOKEN_SECONDS) },
        ...{ ...user(issuing, account, audience), preferred_username: usernameOf(account), ver: "2.0" },
        ...(nonce !== undefined && { nonce }),
        ...changes,
      }),
    appToken: (client, audience, roles) => {
      const claims = appClaims(issuing, client, audience, roles);
      return audience ? keys.sign(claims) : keys.signForGraph(claims);
    },
    graphToken: (account, client, scope, isRevocable = false) =>
      keys.signForGraph({
        ...{
          aud: graphOriginOf(origin),
          ...times(issuing, graphTokenSeconds(isRevocable)),
          ...user(issuing, account, client),
        },
        ...{ app_displayname: client.displayName, idtyp: "user", scp: scope, ...claimsV1(issuing, account, client) },
        ...(isRevocable && { xms_cc: ["cp1"] }),
      }),
  };
}

function apiClaimsV2(issuing: Issuing, { account, audience, client = FRONTEND, scope }: ApiTokenRequest) {
  return {
    ...{ aud: audience.clientId, iss: issuerV2(issuing.origin, issuing.tenantId) },
    ...times(issuing, apiTokenSeconds(account)),
    ...{ azp: client.clientId, azpacr: "1", scp: scope },
    ...{ ...user(issuing, account, audience), preferred_username: usernameOf(account), ver: "2.0" },
  };
}

function apiClaimsV1(issuing: Issuing, { account, audience, client = FRONTEND, scope }: ApiTokenRequest) {
  return {
    ...{ aud: audienceOf(audience), ...times(issuing, apiTokenSeconds(account)) },
    ...{ scp: scope, ...user(issuing, account, audience), ...claimsV1(issuing, account, client) },
  };
}

/** Claims that version 1 names otherwise than version 2. */
function claimsV1({ origin, tenantId }: Issuing, account: Account, client: Registration) {
  return {
    iss: issuerV1(origin, tenantId),
    appid: client.clientId,
    appidacr: "1",
    unique_name: usernameOf(account),
    upn: account.profile.userPrincipalName,
    ver: "1.0",
  };
}

/** Claims of a token without a user: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
function appClaims(
  issuing: Issuing,
  client: Registration,
  audience: Registration | undefined,
  roles: readonly string[],
) {
  const { origin, tenantId } = issuing;
  const isV1 = audience?.requestedAccessTokenVersion === 1 || !audience;
  const principal = servicePrincipalId(client, tenantId);
  return {
    aud: audience ? audienceOf(audience) : graphOriginOf(origin),
    iss: isV1 ? issuerV1(origin, tenantId) : issuerV2(origin, tenantId),
    ...times(issuing, ACCESS_TOKEN_SECONDS),
    ...(isV1
      ? { appid: client.clientId, appidacr: "1", ver: "1.0" }
      : { azp: client.clientId, azpacr: "1", ver: "2.0" }),
    ...(!audience && { app_displayname: client.displayName }),
    ...{ idtyp: "app", oid: principal, sub: principal, tid: tenantId, uti: newTokenId() },
    ...(roles.length > 0 && { roles }),
  };
}

/** Returns the object id of an app in a tenant: the same at every start. */
function servicePrincipalId({ clientId }: Registration, tenantId: string): string {
  const hex = createHash("sha256").update(`${tenantId} ${clientId}`).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    "-",
  );
}

/** Returns `aud` of tokens for an API, in the version that it wants. */
function audienceOf({ requestedAccessTokenVersion, identifierUris, clientId }: Registration): string {
  return (requestedAccessTokenVersion === 1 && identifierUris?.[0]) || clientId;
}

function newTokenId(): string {
  return randomUUID().replaceAll("-", "").slice(0, 22);
}

function user({ tenantId }: Issuing, account: Account, audience: Registration) {
  const { objectId, profile, groups, homeTenantId } = account;
  const roles = account.appRoles?.[audience.clientId] ?? [];
  return {
    name: profile.displayName,
    oid: objectId,
    // The user's `sub` differs from app to app.
    sub: createHash("sha256").update(`${objectId} ${audience.clientId}`).digest("base64url"),
    tid: tenantId,
    uti: newTokenId(),
    ...(roles.length > 0 && { roles }),
    ...(groups !== undefined && { groups }),
    ...(homeTenantId !== undefined && homeTenantId !== tenantId && { idp: issuerV1(AUTHORITY_ORIGIN, homeTenantId) }),
  };
}

function times({ now }: Issuing, seconds: number) {
  const iat = Math.floor(now() / 1000);
  return { iat, nbf: iat, exp: iat + seconds };
}
