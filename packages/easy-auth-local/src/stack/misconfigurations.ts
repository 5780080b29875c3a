import { FRONTEND, type Registration } from "../directory/directory.ts";
import type { AuthSettings, EntraProvider } from "../easy-auth/auth-settings.ts";
import type { Switches } from "../easy-auth/switches.ts";
import { type Apps, apiAuth, CLIENT_SECRET_SETTING, frontendAuth } from "./app-auth.ts";

/** What a mistake changes of a set-up that works. */
export interface Misconfiguration {
  /** The API's registration. */
  readonly api?: Partial<Registration>;
  readonly apiAuth?: (settings: AuthSettings) => AuthSettings;
  /** Of the API's gate. */
  readonly switches?: Partial<Switches>;
  readonly frontendAuth?: (settings: AuthSettings) => AuthSettings;
  /** Of the function app. */
  readonly settings?: Readonly<Record<string, string>>;
  /** A frontend that passes the ID token on in place of the access token. */
  readonly sendsIdToken?: boolean;
}

/** Mistakes that people make with this set-up, each failing as in Azure. `shows` says what was done and what one sees. */
export const MISCONFIGURATIONS = {
  "no-api-scope": {
    shows: "The frontend's login asks for no scope of the API: the session holds a token for Graph. API's gate: 401.",
    frontendAuth: (settings) => withEntra(settings, { login: { loginParameters: ["scope=openid profile email"] } }),
  },
  "wrong-audience": {
    shows: "Tokens are for the API's Application ID URI, which allowedAudiences lacks. API's gate: 401.",
    api: { requestedAccessTokenVersion: 1 },
    apiAuth: (settings) => withValidation(settings, { allowedAudiences: [] }),
    // Otherwise the token's version would be refused first.
    switches: { issuerMatch: "sameTenantAnyVersion" },
  },
  "v1-token": {
    shows: "The API's registration asks for version 1 tokens, its gate has the version 2 issuer. API's gate: 401.",
    api: { requestedAccessTokenVersion: 1 },
  },
  "id-token": {
    shows: "The frontend passes the ID token on, and the API's gate was opened for it. API: 401 token_rejected.",
    sendsIdToken: true,
    apiAuth: (settings) =>
      withValidation(settings, {
        allowedAudiences: [FRONTEND.clientId],
        defaultAuthorizationPolicy: { allowedApplications: [] },
      }),
  },
  "wrong-secret": {
    shows: "The API's client secret is wrong: AADSTS7000215 in its log. API: 500 misconfigured.",
    settings: { [CLIENT_SECRET_SETTING]: "not-the-secret-of-the-api" },
  },
  "no-token-store": {
    shows: "The frontend's token store is off: no token reaches it, /.auth/me is 404. Frontend: 401 no_access_token.",
    frontendAuth: (settings) => ({ ...settings, login: { ...settings.login, tokenStore: { enabled: false } } }),
  },
} as const satisfies Record<string, Misconfiguration & { readonly shows: string }>;

export type MisconfigurationName = keyof typeof MISCONFIGURATIONS;

export function isMisconfigurationName(name: string): name is MisconfigurationName {
  return Object.hasOwn(MISCONFIGURATIONS, name);
}

/** The gates' settings with the mistake made, if there is one. */
export function gateSettings(apps: Apps, mistake: Misconfiguration) {
  const { apiAuth: changeApi = same, frontendAuth: changeFrontend = same } = mistake;
  return { api: changeApi(apiAuth(apps)), frontend: changeFrontend(frontendAuth(apps)) };
}

function same(settings: AuthSettings): AuthSettings {
  return settings;
}

function withEntra(settings: AuthSettings, changes: Partial<EntraProvider>): AuthSettings {
  const { azureActiveDirectory } = settings.identityProviders;
  return { ...settings, identityProviders: { azureActiveDirectory: { ...azureActiveDirectory, ...changes } } };
}

function withValidation(settings: AuthSettings, changes: EntraProvider["validation"]): AuthSettings {
  const { validation } = settings.identityProviders.azureActiveDirectory;
  return withEntra(settings, { validation: { ...validation, ...changes } });
}
