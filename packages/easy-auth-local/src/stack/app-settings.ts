import type { Registration } from "../directory/registration.ts";
import type { AuthSettings } from "../easy-auth/auth-settings.ts";
import { type Platform, settingsOnPlatform } from "../easy-auth/platform.ts";
import { CLIENT_SECRET_SETTING } from "./app-auth.ts";

/** Returns the settings that Easy Auth gives an app on a platform: its client id, issuer and secret. */
export function easyAuthSettings(
  auth: AuthSettings,
  { clientSecrets = [] }: Registration,
  platform: Platform = "app-service",
): Readonly<Record<string, string>> {
  if (auth.platform?.enabled === false) return {};
  const { openIdIssuer, clientId, clientSecretSettingName } = auth.identityProviders.azureActiveDirectory.registration;
  const [secret] = clientSecrets;
  const settings = {
    WEBSITE_AUTH_ENABLED: "True",
    WEBSITE_AUTH_CLIENT_ID: clientId,
    WEBSITE_AUTH_OPENID_ISSUER: openIdIssuer,
    ...(secret !== undefined && { [clientSecretSettingName ?? CLIENT_SECRET_SETTING]: secret }),
  };
  return settingsOnPlatform(settings, platform);
}

/** Replaces names such as `{apiUrl}` in settings by their addresses. Names without an address stay. */
export function resolveSettings(
  settings: Readonly<Record<string, string>>,
  addresses: Readonly<Record<string, string>>,
): Record<string, string> {
  const resolved = (value: string) => value.replace(/\{(\w+)\}/g, (whole, name: string) => addresses[name] ?? whole);
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, resolved(value)]));
}
