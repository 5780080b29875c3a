import { type Account, OTHER_TENANT_ID, TENANT_ID } from "./account.ts";
import { ACCOUNTS } from "./accounts.ts";
import { Consents } from "./consents.ts";
import { API, FRONTEND } from "./default-registrations.ts";
import type { Registration } from "./registration.ts";
import { Revocations } from "./revocations.ts";

export { type Account, OTHER_TENANT_ID, TENANT_ID } from "./account.ts";
export { AUTHORITY_ORIGIN, GRAPH_ORIGIN } from "./clouds.ts";
export { API, FRONTEND } from "./default-registrations.ts";
export type { FederatedCredential, Registration } from "./registration.ts";

export const MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000";

/** Tenant: its id, and the domain names that stand for it in an authority. */
export interface Tenant {
  readonly id: string;
  readonly domains: readonly string[];
}

/** Tenant as a configuration names it. */
export type TenantOptions = Pick<Tenant, "id"> & Partial<Tenant>;

/** Tenant that a stack has by default. */
const DEFAULT_TENANT: Tenant = { id: TENANT_ID, domains: ["contoso.example", "contoso.onmicrosoft.com"] };
/** Home tenant of guests and of users whom the tenant does not know. */
const OTHER_TENANT: Tenant = { id: OTHER_TENANT_ID, domains: ["fabrikam.example", "fabrikam.onmicrosoft.com"] };

export interface DirectoryOptions {
  /** Default: Contoso, with the id TENANT_ID. */
  readonly tenant?: TenantOptions;
  /** Accounts beside the built-in ones. One with the key of a built-in account replaces it. */
  readonly accounts?: readonly Account[];
  /** Default: API and FRONTEND. */
  readonly registrations?: readonly Registration[];
}

/** Accounts and app registrations of the emulated tenant, and what its administrators did. */
export interface Directory {
  /** Tenant that the apps are registered in. */
  readonly tenant: Tenant;
  readonly accounts: readonly Account[];
  readonly registrations: readonly Registration[];
  readonly consents: Consents;
  readonly revocations: Revocations;
  /** Returns the id of a tenant by its id or one of its domain names, in upper or lower case. */
  tenantIdOf(idOrDomain: string): string | undefined;
  accountByKey(key: string): Account | undefined;
  accountById(objectId: string): Account | undefined;
  registrationById(clientId: string): Registration | undefined;
  /**
   * Returns the registration that exposes a scope such as `api://…/user_impersonation`, in upper or lower case, with the
   * scope's own name.
   */
  resourceOf(scope: string): { readonly registration: Registration; readonly name: string } | undefined;
  /** Returns the id of an account's home tenant. */
  homeTenantOf(account: Account): string;
  /** Whether a tenant knows an account, as its own or as a guest. */
  isKnownIn(tenantId: string, account: Account): boolean;
}

/** Returns the tenant of a configuration; Contoso's where it says nothing. */
export function tenantFrom({ id, domains = DEFAULT_TENANT.domains }: TenantOptions = DEFAULT_TENANT): Tenant {
  return { id: id.toLowerCase(), domains };
}

/** Makes a directory from its configuration; without any, the one of the default configuration. */
export function createDirectory(options: DirectoryOptions = {}): Directory {
  const { registrations = [API, FRONTEND] } = options;
  const tenant = tenantFrom(options.tenant);
  const accounts = [...new Map([...ACCOUNTS, ...(options.accounts ?? [])].map((one) => [one.key, one])).values()];
  const byKey = new Map(accounts.map((account) => [account.key, account]));
  const byId = new Map(accounts.map((account) => [account.objectId, account]));
  const byClientId = new Map(registrations.map((registration) => [registration.clientId.toLowerCase(), registration]));
  const homeTenantOf = ({ homeTenantId = tenant.id }: Account) => homeTenantId;
  return {
    tenant,
    accounts,
    registrations,
    consents: new Consents(),
    revocations: new Revocations(),
    tenantIdOf: (idOrDomain) => tenantIdOf([tenant, OTHER_TENANT], idOrDomain.toLowerCase()),
    accountByKey: (key) => byKey.get(key),
    accountById: (objectId) => byId.get(objectId),
    registrationById: (clientId) => byClientId.get(clientId.toLowerCase()),
    resourceOf: (scope) => resourceOf(registrations, scope),
    homeTenantOf,
    isKnownIn: (tenantId, account) =>
      tenantId === homeTenantOf(account) || (tenantId === tenant.id && account.isGuest === true),
  };
}

/** Returns the name that a user signs in with: for a guest, the one of the home tenant. */
export function usernameOf({ isGuest, profile }: Account): string {
  return isGuest ? String(profile.mail) : profile.userPrincipalName;
}

function tenantIdOf(tenants: readonly Tenant[], idOrDomain: string): string | undefined {
  const isNamed = (name: string) => name.toLowerCase() === idOrDomain;
  return tenants.find(({ id, domains }) => [id, ...domains].some(isNamed))?.id;
}

function resourceOf(registrations: readonly Registration[], scope: string): ReturnType<Directory["resourceOf"]> {
  const lower = scope.toLowerCase();
  const slash = lower.lastIndexOf("/");
  const [uri, name] = [lower.slice(0, slash), lower.slice(slash + 1)];
  const registration = registrations.find(
    ({ clientId, identifierUris = [], scopes = [] }) =>
      identifierUris.some((one) => one.toLowerCase() === uri) || (scopes.length > 0 && uri === clientId),
  );
  if (!registration) return undefined;
  const { scopes = [] } = registration;
  if (name === ".default") return { registration, name: scopes.join(" ") };
  const spelled = scopes.find((one) => one.toLowerCase() === name);
  return spelled === undefined ? undefined : { registration, name: spelled };
}
