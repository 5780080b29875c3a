import { AUTHORITY_ORIGIN } from "../directory/directory.ts";
import type { Registration } from "../directory/registration.ts";
import type { AuthSettings } from "../easy-auth/auth-settings.ts";

/** The two app registrations of a tenant, as the default gates need them. */
export interface Apps {
  readonly tenantId: string;
  readonly api: Registration;
  readonly frontend: Registration;
  /** Scope that the frontend asks for at sign-in. Default: the first one of the API. */
  readonly apiScope?: string;
  /** Paths that skip the gates. */
  readonly excludedPaths?: { readonly api?: readonly string[]; readonly frontend?: readonly string[] };
}

/** Name of the setting that holds the client secret, as the portal makes it. */
export const CLIENT_SECRET_SETTING = "MICROSOFT_PROVIDER_AUTHENTICATION_SECRET";

/** Makes the usual gate of an API: takes bearer tokens of the frontend and signs nobody in. */
export function apiAuth({ tenantId, api, frontend, excludedPaths = {} }: Apps): AuthSettings {
  return {
    globalValidation: { unauthenticatedClientAction: "Return401", excludedPaths: excludedPaths.api ?? [] },
    identityProviders: {
      azureActiveDirectory: {
        registration: { openIdIssuer: issuerOf(tenantId), clientId: api.clientId },
        validation: {
          allowedAudiences: [api.clientId, ...(api.identifierUris ?? [])],
          defaultAuthorizationPolicy: { allowedApplications: [frontend.clientId] },
        },
      },
    },
    login: { tokenStore: { enabled: false } },
  };
}

/** Makes the usual gate of a frontend: signs users in, with the API's scope, and keeps their tokens. */
export function frontendAuth({ tenantId, api, frontend, apiScope, excludedPaths = {} }: Apps): AuthSettings {
  const scope = apiScope ?? scopeOf(api);
  return {
    globalValidation: {
      unauthenticatedClientAction: "RedirectToLoginPage",
      excludedPaths: excludedPaths.frontend ?? [],
    },
    identityProviders: {
      azureActiveDirectory: {
        registration: {
          openIdIssuer: issuerOf(tenantId),
          clientId: frontend.clientId,
          clientSecretSettingName: CLIENT_SECRET_SETTING,
        },
        login: { loginParameters: [`scope=openid profile email offline_access ${scope}`.trim()] },
        validation: {
          allowedAudiences: [frontend.clientId],
          defaultAuthorizationPolicy: { allowedApplications: [frontend.clientId] },
        },
      },
    },
    login: { tokenStore: { enabled: true } },
    // A development server in front, such as Vite's, says with X-Forwarded-Host where the browser is.
    httpSettings: { forwardProxy: { convention: "Standard" } },
  };
}

/** Returns the first scope of an API, with its resource; empty when it exposes none. */
function scopeOf({ clientId, identifierUris = [], scopes: [name] = [] }: Registration): string {
  return name === undefined ? "" : `${identifierUris[0] ?? clientId}/${name}`;
}

/** Returns the issuer of a tenant's version 2 tokens. */
export function issuerOf(tenantId: string): string {
  return `${AUTHORITY_ORIGIN}/${tenantId}/v2.0`;
}
