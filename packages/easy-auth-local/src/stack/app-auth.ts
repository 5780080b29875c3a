import { AUTHORITY_ORIGIN } from "../directory/directory.ts";
import type { AuthSettings } from "../easy-auth/auth-settings.ts";

/** The two app registrations of a tenant, as their gates know them. */
export interface Apps {
  readonly tenantId: string;
  readonly apiClientId: string;
  /** What the frontend asks for at sign-in: an Application ID URI of the API, a slash, and the scope's name. */
  readonly apiScope: string;
  readonly frontendClientId: string;
}

/** Name of the setting that holds the client secret, as the portal makes it. */
export const CLIENT_SECRET_SETTING = "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET";

/** The API's gate: takes bearer tokens of the frontend and signs nobody in. */
export function apiAuth({ tenantId, apiClientId, apiScope, frontendClientId }: Apps): AuthSettings {
  return {
    globalValidation: { unauthenticatedClientAction: "Return401", excludedPaths: ["/api/health", "/api/errors"] },
    identityProviders: {
      azureActiveDirectory: {
        registration: { openIdIssuer: issuerOf(tenantId), clientId: apiClientId },
        validation: {
          allowedAudiences: [apiClientId, apiScope.slice(0, apiScope.lastIndexOf("/"))],
          defaultAuthorizationPolicy: { allowedApplications: [frontendClientId] },
        },
      },
    },
    login: { tokenStore: { enabled: false } },
  };
}

/** The frontend's gate: signs users in, with the API's scope, and keeps their tokens. */
export function frontendAuth({ tenantId, apiScope, frontendClientId }: Apps): AuthSettings {
  return {
    globalValidation: {
      unauthenticatedClientAction: "RedirectToLoginPage",
      excludedPaths: ["/health", "/signed-out", "/api/errors", "/assets/*"],
    },
    identityProviders: {
      azureActiveDirectory: {
        registration: {
          openIdIssuer: issuerOf(tenantId),
          clientId: frontendClientId,
          clientSecretSettingName: CLIENT_SECRET_SETTING,
        },
        login: { loginParameters: [`scope=openid profile email offline_access ${apiScope}`] },
        validation: {
          allowedAudiences: [frontendClientId],
          defaultAuthorizationPolicy: { allowedApplications: [frontendClientId] },
        },
      },
    },
    login: { tokenStore: { enabled: true } },
  };
}

/** Of version 2 tokens. */
export function issuerOf(tenantId: string): string {
  return `${AUTHORITY_ORIGIN}/${tenantId}/v2.0`;
}
