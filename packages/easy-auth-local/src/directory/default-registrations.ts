import type { Registration } from "./registration.ts";

/** Registration with one client secret; the lists are never left out. */
export type AppRegistration = Registration & {
  readonly clientSecrets: readonly [string];
  readonly identifierUris: readonly string[];
};

/** Address that Easy Auth registers as its redirect URI, and one for apps that sign users in by themselves. */
const REDIRECT_URIS = ["http", "https"].flatMap((scheme) =>
  ["/.auth/login/aad/callback", "/callback"].map((path) => `${scheme}://localhost${path}`),
);

/** Registration of the API of a stack without registrations of its own. */
export const API: AppRegistration = {
  clientId: "00001111-aaaa-2222-bbbb-3333cccc4444",
  displayName: "API",
  redirectUris: { web: REDIRECT_URIS },
  clientSecrets: ["emulator-only-api-secret"],
  identifierUris: ["api://00001111-aaaa-2222-bbbb-3333cccc4444"],
  scopes: ["user_impersonation"],
  delegatedPermissions: ["User.Read", "https://storage.azure.com/user_impersonation"],
  knownClientApplications: ["11112222-bbbb-3333-cccc-4444dddd5555"],
};

/** Registration of the frontend of a stack without registrations of its own. */
export const FRONTEND: AppRegistration = {
  clientId: "11112222-bbbb-3333-cccc-4444dddd5555",
  displayName: "Frontend",
  redirectUris: { web: REDIRECT_URIS },
  clientSecrets: ["emulator-only-frontend-secret"],
  identifierUris: [],
  delegatedPermissions: ["openid", "profile", "email", "offline_access", `${API.identifierUris[0]}/user_impersonation`],
};
