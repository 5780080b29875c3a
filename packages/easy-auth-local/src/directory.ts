import { type Account, TENANT_ID } from "./account.ts";
import { ACCOUNTS } from "./accounts.ts";
import { Consents } from "./consents.ts";
import { Revocations } from "./revocations.ts";

export { type Account, OTHER_TENANT_ID, TENANT_ID } from "./account.ts";

/** Entra's own origin: the issuer of all tokens, as it is in Azure. Only the keys, made at start, are the emulator's. */
export const AUTHORITY_ORIGIN = "https://login.microsoftonline.com";
export const GRAPH_ORIGIN = "https://graph.microsoft.com";

/** Tokens of another identity that stand for an app's credential: https://learn.microsoft.com/graph/api/resources/federatedidentitycredential */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** An app registration. */
export interface Registration {
  readonly clientId: string;
  readonly displayName: string;
  readonly clientSecret: string;
  /** In PEM: what they signed proves that the app asks. Default: none. */
  readonly certificates?: readonly string[];
  /** Whose tokens prove that the app asks. Default: nobody's. */
  readonly federatedCredentials?: readonly FederatedCredential[];
  /** Application ID URIs; a scope is one of them, a slash, and a scope name. */
  readonly identifierUris: readonly string[];
  readonly scopes: readonly string[];
  /** Permissions on Microsoft Graph that an administrator consented to, for every account but those without consent. */
  readonly graphPermissions: readonly string[];
  /** Nobody consented that other apps call it on behalf of users. */
  readonly lacksConsent?: true;
  /** Format of access tokens for this app. Default: 2. */
  readonly requestedAccessTokenVersion?: 1 | 2;
  /** Whose users may sign in. Default: those of the apps' own tenant. */
  readonly signInAudience?: "AzureADMyOrg" | "AzureADMultipleOrgs";
  /** Clients whose consent page asks for this app's permissions too, when they ask for its scope `.default`. */
  readonly knownClientApplications?: readonly string[];
}

export const FRONTEND: Registration = {
  clientId: "11112222-bbbb-3333-cccc-4444dddd5555",
  displayName: "Frontend",
  clientSecret: "emulator-only-frontend-secret",
  identifierUris: [],
  scopes: [],
  graphPermissions: ["openid", "profile", "email", "offline_access"],
};

export const API: Registration = {
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  displayName: "API",
  clientSecret: "emulator-only-api-secret",
  identifierUris: ["api://00001111-aaaa-2222-bbbb-3333cccc4444"],
  scopes: ["user_impersonation"],
  graphPermissions: ["User.Read"],
  knownClientApplications: [FRONTEND.clientId],
};

export const MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000";

/** Who is who in the made-up tenant, and what its administrators did. */
export interface Directory {
  readonly accounts: readonly Account[];
  readonly registrations: readonly Registration[];
  readonly consents: Consents;
  readonly revocations: Revocations;
  accountByKey(key: string): Account | undefined;
  accountById(objectId: string): Account | undefined;
  registrationById(clientId: string): Registration | undefined;
  /** The registration that exposes a scope such as `api://…/user_impersonation`, with the scope's own name. */
  resourceOf(scope: string): { readonly registration: Registration; readonly name: string } | undefined;
}

/** The directory, with more accounts or other registrations when a test needs them. */
export function createDirectory(
  moreAccounts: readonly Account[] = [],
  registrations: readonly Registration[] = [API, FRONTEND],
): Directory {
  const accounts = [...ACCOUNTS, ...moreAccounts];
  const byKey = new Map(accounts.map((account) => [account.key, account]));
  const byId = new Map(accounts.map((account) => [account.objectId, account]));
  const byClientId = new Map(registrations.map((registration) => [registration.clientId, registration]));
  return {
    accounts,
    registrations,
    consents: new Consents(),
    revocations: new Revocations(),
    accountByKey: (key) => byKey.get(key),
    accountById: (objectId) => byId.get(objectId),
    registrationById: (clientId) => byClientId.get(clientId),
    resourceOf: (scope) => resourceOf(registrations, scope),
  };
}

/** Whether a tenant knows an account, as its own or as a guest. */
export function isKnownIn(tenantId: string, { homeTenantId = TENANT_ID, isGuest = false }: Account): boolean {
  return tenantId === homeTenantId || (tenantId === TENANT_ID && isGuest);
}

/** The name that a user signs in with: a guest's is that of home. */
export function usernameOf({ isGuest, profile }: Account): string {
  return isGuest ? String(profile.mail) : profile.userPrincipalName;
}

function resourceOf(registrations: readonly Registration[], scope: string): ReturnType<Directory["resourceOf"]> {
  const slash = scope.lastIndexOf("/");
  const [uri, name] = [scope.slice(0, slash), scope.slice(slash + 1)];
  const registration = registrations.find(
    ({ clientId, identifierUris }) => identifierUris.includes(uri) || (identifierUris.length > 0 && uri === clientId),
  );
  if (!registration || !(registration.scopes.includes(name) || name === ".default")) return undefined;
  return { registration, name: name === ".default" ? registration.scopes.join(" ") : name };
}
