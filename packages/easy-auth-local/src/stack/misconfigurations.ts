import type { Registration } from "../directory/registration.ts";
import type { AuthSettings, EntraProvider } from "../easy-auth/auth-settings.ts";
import type { GateOptions } from "../easy-auth/gate-options.ts";
import type { Switches } from "../easy-auth/switches.ts";
import { CLIENT_SECRET_SETTING } from "./app-auth.ts";

type Change = (settings: AuthSettings, frontend: Registration) => AuthSettings;

/** Changes that a mistake makes to a set-up that works. */
export interface Misconfiguration {
  /** Changes to the API's registration. */
  readonly api?: Partial<Registration>;
  readonly apiAuth?: Change;
  /** Switches of the API's gate. */
  readonly switches?: Partial<Switches>;
  readonly frontendAuth?: Change;
  /** App settings of the API. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Changes each request that the frontend's gate forwards. */
  readonly onForward?: GateOptions["onForward"];
}

/** Mistakes that people make with this set-up, each failing as in Azure. `shows` names the mistake and its symptom. */
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
    shows: "The frontend passes the ID token on, and the API's gate was opened for it: the API has to refuse it.",
    onForward: (outgoing) => {
      const idToken = outgoing.getHeader("x-ms-token-aad-id-token");
      if (idToken !== undefined) outgoing.setHeader("x-ms-token-aad-access-token", idToken);
    },
    apiAuth: (settings, frontend) =>
      withValidation(settings, {
        allowedAudiences: [frontend.clientId],
        defaultAuthorizationPolicy: { allowedApplications: [] },
      }),
  },
  "wrong-secret": {
    shows: "The API's client secret is wrong: its exchange fails with AADSTS7000215.",
    settings: { [CLIENT_SECRET_SETTING]: "not-the-secret-of-the-api" },
  },
  "no-token-store": {
    shows: "The frontend's token store is off: no token reaches it, and /.auth/me is 404.",
    frontendAuth: (settings) => ({ ...settings, login: { ...settings.login, tokenStore: { enabled: false } } }),
  },
} as const satisfies Record<string, Misconfiguration & { readonly shows: string }>;

export type MisconfigurationName = keyof typeof MISCONFIGURATIONS;

export function isMisconfigurationName(name: string): name is MisconfigurationName {
  return Object.hasOwn(MISCONFIGURATIONS, name);
}

function withEntra(settings: AuthSettings, changes: Partial<EntraProvider>): AuthSettings {
  const { azureActiveDirectory } = settings.identityProviders;
  return { ...settings, identityProviders: { azureActiveDirectory: { ...azureActiveDirectory, ...changes } } };
}

function withValidation(settings: AuthSettings, changes: EntraProvider["validation"]): AuthSettings {
  const { validation } = settings.identityProviders.azureActiveDirectory;
  return withEntra(settings, { validation: { ...validation, ...changes } });
}
