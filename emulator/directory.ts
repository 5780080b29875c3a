/**
 * The made-up tenant: its apps and its accounts. The ids are the ones Microsoft's documentation uses for examples, so
 * that nobody takes them for real. Each account shows one thing that happens in real tenants.
 */
export const TENANT_ID = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/** Entra's own origin: the issuer of all tokens, as it is in Azure. Only the keys, made at start, are the emulator's. */
export const AUTHORITY_ORIGIN = "https://login.microsoftonline.com";
export const GRAPH_ORIGIN = "https://graph.microsoft.com";

/** An app registration. */
export interface Registration {
  readonly clientId: string;
  readonly displayName: string;
  readonly clientSecret: string;
  /** Application ID URIs; a scope is one of them, a slash, and a scope name. */
  readonly identifierUris: readonly string[];
  readonly scopes: readonly string[];
  /** Permissions on Microsoft Graph that an administrator consented to, for every account but those without consent. */
  readonly graphPermissions: readonly string[];
}

export const API: Registration = {
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  displayName: "API",
  clientSecret: "emulator-only-api-secret",
  identifierUris: ["api://00001111-aaaa-2222-bbbb-3333cccc4444"],
  scopes: ["user_impersonation"],
  graphPermissions: ["User.Read"],
};

export const FRONTEND: Registration = {
  clientId: "11112222-bbbb-3333-cccc-4444dddd5555",
  displayName: "Frontend",
  clientSecret: "emulator-only-frontend-secret",
  identifierUris: [],
  scopes: [],
  graphPermissions: ["openid", "profile", "email", "offline_access"],
};

export const MICROSOFT_GRAPH = "00000003-0000-0000-c000-000000000000";

/** Someone to sign in as. */
export interface Account {
  /** Short name for scripts: `npm run token -- no-consent`. */
  readonly key: string;
  readonly objectId: string;
  /** What signing in as this account shows, for the account picker. */
  readonly shows: string;
  /** Whether the API may call Graph on this user's behalf; without it Entra answers AADSTS65001. */
  readonly consentToGraph: boolean;
  /** Properties Graph knows; those not named are null. */
  readonly profile: Readonly<Record<string, unknown>> & {
    readonly displayName: string;
    readonly userPrincipalName: string;
  };
}

const ACCOUNTS: readonly Account[] = [
  {
    key: "works",
    objectId: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
    shows: "Everything works: a full profile.",
    consentToGraph: true,
    profile: {
      displayName: "Adele Vance",
      givenName: "Adele",
      surname: "Vance",
      jobTitle: "Retail Manager",
      mail: "adele.vance@contoso.example",
      userPrincipalName: "adele.vance@contoso.example",
      businessPhones: ["+1 425 555 0109"],
      mobilePhone: "+1 425 555 0187",
      officeLocation: "18/2111",
      preferredLanguage: "en-US",
      department: "Retail",
      companyName: "Contoso",
    },
  },
  {
    key: "sparse",
    objectId: "bbbbbbbb-1111-2222-3333-cccccccccccc",
    shows: "A new hire whose profile is almost empty.",
    consentToGraph: true,
    profile: {
      displayName: "Diego Siciliani",
      userPrincipalName: "diego.siciliani@contoso.example",
      businessPhones: [],
    },
  },
  {
    key: "no-consent",
    objectId: "cccccccc-2222-3333-4444-dddddddddddd",
    shows: "Nobody granted the API consent to call Graph (AADSTS65001).",
    consentToGraph: false,
    profile: {
      displayName: "Lidia Holloway",
      givenName: "Lidia",
      surname: "Holloway",
      mail: "lidia.holloway@contoso.example",
      userPrincipalName: "lidia.holloway@contoso.example",
      businessPhones: [],
    },
  },
];

/** Who is who in the made-up tenant. */
export interface Directory {
  readonly accounts: readonly Account[];
  accountByKey(key: string): Account | undefined;
  accountById(objectId: string): Account | undefined;
  registrationById(clientId: string): Registration | undefined;
  /** The registration that exposes a scope such as `api://…/user_impersonation`, with the scope's own name. */
  resourceOf(scope: string): { readonly registration: Registration; readonly name: string } | undefined;
}

/** The directory, with more accounts when a test needs them. */
export function createDirectory(moreAccounts: readonly Account[] = []): Directory {
  const accounts = [...ACCOUNTS, ...moreAccounts];
  const byKey = new Map(accounts.map((account) => [account.key, account]));
  const byId = new Map(accounts.map((account) => [account.objectId, account]));
  const registrations = new Map([API, FRONTEND].map((registration) => [registration.clientId, registration]));
  return {
    accounts,
    accountByKey: (key) => byKey.get(key),
    accountById: (objectId) => byId.get(objectId),
    registrationById: (clientId) => registrations.get(clientId),
    resourceOf: (scope) => resourceOf([...registrations.values()], scope),
  };
}

function resourceOf(registrations: readonly Registration[], scope: string): ReturnType<Directory["resourceOf"]> {
  const slash = scope.lastIndexOf("/");
  const [uri, name] = [scope.slice(0, slash), scope.slice(slash + 1)];
  const registration = registrations.find(({ identifierUris }) => identifierUris.includes(uri));
  if (!registration || !(registration.scopes.includes(name) || name === ".default")) return undefined;
  return { registration, name: name === ".default" ? registration.scopes.join(" ") : name };
}
