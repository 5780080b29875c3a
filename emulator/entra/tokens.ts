import { createHash, randomUUID } from "node:crypto";
import { type Account, AUTHORITY_ORIGIN, FRONTEND, GRAPH_ORIGIN, type Registration, TENANT_ID } from "../directory.ts";
import type { SigningKeys } from "./keys.ts";

/** Seconds. Entra's access tokens last 60 to 90 minutes. */
export const ACCESS_TOKEN_LIFETIME = 3600;

export interface ApiTokenRequest {
  readonly account: Account;
  /** The API. */
  readonly audience: Registration;
  /** The app that signed the user in. */
  readonly client?: Registration;
  /** Names separated by spaces, without the API's URI. */
  readonly scope: string;
}

/** Issues tokens with the claims of https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference */
export interface TokenIssuer {
  readonly keys: SigningKeys;
  /** A version 2 access token of the user for one of the tenant's own APIs. `changes` replaces claims, for tests. */
  apiToken(request: ApiTokenRequest, changes?: Readonly<Record<string, unknown>>): Promise<string>;
  idToken(account: Account, audience: Registration, nonce?: string): Promise<string>;
  /** A version 1 access token for Microsoft Graph. */
  graphToken(account: Account, client: Registration, scope: string): Promise<string>;
}

export function createTokenIssuer(keys: SigningKeys, now: () => number = Date.now): TokenIssuer {
  const times = () => {
    const iat = Math.floor(now() / 1000);
    return { iat, nbf: iat, exp: iat + ACCESS_TOKEN_LIFETIME };
  };
  const person = ({ objectId, profile }: Account, audience: Registration) => ({
    name: profile.displayName,
    oid: objectId,
    preferred_username: profile.userPrincipalName,
    sub: createHash("sha256").update(`${objectId} ${audience.clientId}`).digest("base64url"),
    tid: TENANT_ID,
    uti: randomUUID().replaceAll("-", "").slice(0, 22),
    ver: "2.0",
  });
  const issuer = `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`;

  return {
    keys,
    apiToken: ({ account, audience, client = FRONTEND, scope }, changes = {}) =>
      keys.sign({
        ...{ aud: audience.clientId, iss: issuer, ...times(), azp: client.clientId, azpacr: "1", scp: scope },
        ...person(account, audience),
        ...changes,
      }),
    idToken: (account, audience, nonce) =>
      keys.sign({
        ...{ aud: audience.clientId, iss: issuer, ...times(), ...person(account, audience) },
        ...(nonce !== undefined && { nonce }),
      }),
    graphToken: (account, client, scope) => keys.signForGraph({ ...times(), ...graphClaims(account, client, scope) }),
  };
}

function graphClaims({ objectId, profile }: Account, client: Registration, scope: string) {
  return {
    aud: GRAPH_ORIGIN,
    iss: `https://sts.windows.net/${TENANT_ID}/`,
    app_displayname: client.displayName,
    appid: client.clientId,
    appidacr: "1",
    idtyp: "user",
    name: profile.displayName,
    oid: objectId,
    scp: scope,
    tid: TENANT_ID,
    unique_name: profile.userPrincipalName,
    upn: profile.userPrincipalName,
    uti: randomUUID().replaceAll("-", "").slice(0, 22),
    ver: "1.0",
  };
}
