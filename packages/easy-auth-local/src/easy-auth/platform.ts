/**
 * Service whose Easy Auth is imitated. Container Apps differ: their apps get no `WEBSITE_AUTH_*` variables, a sign-out ends
 * at another address, and `/.auth/me` is 404 without a token store.
 *
 * Sources: https://learn.microsoft.com/azure/container-apps/authentication,
 * https://github.com/microsoft/azure-container-apps/issues/479
 */
export const PLATFORMS = ["app-service", "container-apps"] as const;
export type Platform = (typeof PLATFORMS)[number];

/** Returns the address, below the prefix of Easy Auth's routes, at which a sign-out ends. */
export function signedOutPath(platform: Platform): string {
  return platform === "container-apps" ? "/logout/done" : "/logout/complete";
}

/** Returns the settings that the platform hands the app: on Container Apps, those without `WEBSITE_AUTH_*`. */
export function settingsOnPlatform(
  settings: Readonly<Record<string, string>>,
  platform: Platform,
): Readonly<Record<string, string>> {
  if (platform === "app-service") return settings;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith("WEBSITE_AUTH_")));
}
