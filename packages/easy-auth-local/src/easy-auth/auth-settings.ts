/**
 * The part of `Microsoft.Web/sites/config` `authsettingsV2` that the gate obeys, in the resource's own shape, so that one
 * object describes the cloud and the laptop. Not obeyed: other providers, `requireHttps`, `preserveUrlFragmentsForLogins`,
 * certificates as credential, and where the token store keeps its files.
 * Source: https://learn.microsoft.com/azure/templates/microsoft.web/sites/config-authsettingsv2
 */
export interface AuthSettings {
  /** `enabled: false` removes the gate: everything passes as the client sent it, `X-MS-*` headers included. */
  readonly platform?: { readonly enabled?: boolean };
  readonly globalValidation: {
    /** Switch for the gate's demand of a user. Default true; false lets everybody through, as `AllowAnonymous` does. */
    readonly requireAuthentication?: boolean;
    readonly unauthenticatedClientAction: UnauthenticatedClientAction;
    /** Paths that skip the gate; a trailing `/*` takes all below. */
    readonly excludedPaths?: readonly string[];
  };
  readonly httpSettings?: {
    readonly routes?: { /** Default `/.auth`. */ readonly apiPrefix?: string };
    readonly forwardProxy?: ForwardProxy;
  };
  readonly identityProviders: { readonly azureActiveDirectory: EntraProvider };
  readonly login: {
    readonly routes?: { /** Default `/.auth/logout`. */ readonly logoutEndpoint?: string };
    readonly tokenStore: {
      readonly enabled: boolean;
      /** Hours after the end of a session in which it can still be refreshed. Default 72. */
      readonly tokenRefreshExtensionHours?: number;
    };
    /** Addresses besides this site at which a sign-in or sign-out may end. The query is not compared. */
    readonly allowedExternalRedirectUrls?: readonly string[];
    readonly cookieExpiration?: {
      readonly convention?: "FixedTime" | "IdentityProviderDerived";
      /** `hh:mm:ss`; default `08:00:00`. */
      readonly timeToExpiration?: string;
    };
    /** Time that a sign-in may take, `hh:mm:ss`. Default `00:05:00`. */
    readonly nonce?: { readonly nonceExpirationInterval?: string };
  };
}

export type UnauthenticatedClientAction =
  | "RedirectToLoginPage"
  | "Return401"
  | "Return403"
  | "Return404"
  | "AllowAnonymous";

/** Trust in the headers of another proxy before the gate, for the address that browsers see. Default: none. */
export interface ForwardProxy {
  /** `Standard` reads `X-Forwarded-Host` and `X-Forwarded-Proto`. */
  readonly convention: "NoProxy" | "Standard" | "Custom";
  readonly customHostHeaderName?: string;
  readonly customProtoHeaderName?: string;
}

export interface EntraProvider {
  readonly registration: {
    readonly openIdIssuer: string;
    readonly clientId: string;
    /**
     * Name of the app setting that holds the secret. Without one, users cannot sign in here, and clients can only bring a
     * token.
     */
    readonly clientSecretSettingName?: string;
  };
  readonly login?: {
    /** `key=value`, such as `scope=openid …`. */
    readonly loginParameters?: readonly string[];
    readonly disableWWWAuthenticate?: boolean;
  };
  readonly validation?: {
    /** Values of `aud` besides the client id, which is always allowed. */
    readonly allowedAudiences?: readonly string[];
    readonly jwtClaimChecks?: {
      readonly allowedGroups?: readonly string[];
      readonly allowedClientApplications?: readonly string[];
    };
    readonly defaultAuthorizationPolicy?: {
      /** Client ids a token may come from. What an empty list means: see `Switches.emptyAllowedApplications`. */
      readonly allowedApplications?: readonly string[];
      /** Users by object id, or members of groups: one of both is enough. */
      readonly allowedPrincipals?: { readonly identities?: readonly string[]; readonly groups?: readonly string[] };
    };
  };
}

/** Settings of the app, beside `authsettingsV2`, that Easy Auth reads; the client secret under the name given there. */
export type AppSettings = Readonly<Record<string, string>>;
