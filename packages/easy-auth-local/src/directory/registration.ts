/**
 * Identity of another issuer whose tokens stand for the app's credential:
 * https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
 */
export interface FederatedCredential {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

/** Redirect URIs by platform: https://learn.microsoft.com/entra/identity-platform/reply-url */
export interface RedirectUris {
  /** Server-side web apps, which redeem their codes with a credential. */
  readonly web?: readonly string[];
  /** Single-page apps, which redeem their codes from the page, with PKCE and without a credential. */
  readonly spa?: readonly string[];
  /** Mobile, desktop and command-line apps, which have no credential. */
  readonly publicClient?: readonly string[];
}

/** App role, which tokens name by its value in `roles`. */
export interface AppRole {
  readonly value: string;
  /** Members that may have the role: users, apps. Default: both. */
  readonly allowedMemberTypes?: readonly ("User" | "Application")[];
}

/** App registration. Members that are not set are empty lists, or say what their default is. */
export interface Registration {
  readonly clientId: string;
  readonly displayName: string;
  /** Tenants whose users may sign in. Default: `AzureADMyOrg`, the home tenant alone. */
  readonly signInAudience?: "AzureADMyOrg" | "AzureADMultipleOrgs" | "AzureADandPersonalMicrosoftAccount";
  readonly redirectUris?: RedirectUris;
  /** Whether the app may use flows without a redirect URI, such as the device code flow, without a credential. Default: false. */
  readonly isFallbackPublicClient?: boolean;
  readonly clientSecrets?: readonly string[];
  /** Certificates in PEM; client assertions signed with their keys authenticate the app. */
  readonly certificates?: readonly string[];
  readonly federatedCredentials?: readonly FederatedCredential[];
  /** Application ID URIs. A scope in a request is one of them, a slash, and the scope's name. */
  readonly identifierUris?: readonly string[];
  /** Names of the delegated permissions that the app exposes. */
  readonly scopes?: readonly string[];
  readonly appRoles?: readonly AppRole[];
  /** Format of access tokens for this app. Default: 2. */
  readonly requestedAccessTokenVersion?: 1 | 2;
  /**
   * Delegated permissions of the registration, spelled as in a `scope` parameter: `User.Read` is Microsoft Graph's,
   * `api://<client id>/<name>` another API's.
   */
  readonly delegatedPermissions?: readonly string[];
  /**
   * Application permissions of the registration, spelled in the same way: the `roles` of tokens by `client_credentials`.
   */
  readonly applicationPermissions?: readonly string[];
  /** Whether an administrator consented to the permissions above for everyone. Default: true. */
  readonly hasAdminConsent?: boolean;
  /** Client ids of apps that need no consent for this app's scopes; `*` stands for all. */
  readonly preAuthorizedApplications?: readonly string[];
  /** Client ids of apps whose consent page asks for this app's permissions too, when they ask for its scope `.default`. */
  readonly knownClientApplications?: readonly string[];
}

/**
 * Platform that a redirect URI is registered for; undefined when it is not registered. Ports of `localhost` and
 * `127.0.0.1` are ignored, as Entra ignores them.
 */
export function redirectPlatformOf({ redirectUris = {} }: Registration, uri: string): keyof RedirectUris | undefined {
  const wanted = withoutLoopbackPort(uri);
  if (wanted === undefined) return undefined;
  const platforms = ["web", "spa", "publicClient"] as const;
  return platforms.find((platform) => redirectUris[platform]?.some((known) => withoutLoopbackPort(known) === wanted));
}

function withoutLoopbackPort(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  if (url.hostname === "localhost" || url.hostname === "127.0.0.1") url.port = "";
  return url.href;
}
