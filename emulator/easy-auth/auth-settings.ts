/**
 * The part of `Microsoft.Web/sites/config` `authsettingsV2` that the gate obeys, in the resource's own shape, so that one
 * object describes the cloud and the laptop.
 * Source: https://learn.microsoft.com/azure/templates/microsoft.web/sites/config-authsettingsv2
 */
export interface AuthSettings {
  readonly globalValidation: {
    readonly unauthenticatedClientAction: "RedirectToLoginPage" | "Return401" | "Return403" | "AllowAnonymous";
    /** Paths that skip the action; a trailing `/*` takes all below. */
    readonly excludedPaths?: readonly string[];
  };
  readonly identityProviders: {
    readonly azureActiveDirectory: {
      readonly registration: {
        readonly openIdIssuer: string;
        readonly clientId: string;
        /** Name of the setting that holds the secret. Without one nobody can sign in here, only bring a token. */
        readonly clientSecretSettingName?: string;
      };
      readonly login?: {
        /** `key=value`, such as `scope=openid …`. */
        readonly loginParameters?: readonly string[];
      };
      readonly validation: {
        /** Values of `aud` besides the client id, which is always allowed. */
        readonly allowedAudiences: readonly string[];
        readonly defaultAuthorizationPolicy: {
          /** Client ids a token may come from; an empty list allows every one. */
          readonly allowedApplications: readonly string[];
        };
      };
    };
  };
  readonly login: {
    readonly tokenStore: { readonly enabled: boolean };
  };
}
