import { API, AUTHORITY_ORIGIN, TENANT_ID } from "easy-auth-local";

/** Environment of the app: the settings without a default, and time-outs long enough to fill its cache on a busy machine. */
export const APP_ENVIRONMENT = {
  WEBSITE_AUTH_CLIENT_ID: API.clientId,
  WEBSITE_AUTH_OPENID_ISSUER: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
  REQUEST_TIMEOUT_MS: "60000",
  MICROSOFT_PROVIDER_AUTHENTICATION_SECRET: API.clientSecrets[0],
} as const;
