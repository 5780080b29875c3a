import { readFileSync } from "node:fs";
import { at, must, type Policy, resourcesOf, type Snapshot } from "./snapshots.ts";

const CONFIG = "Microsoft.Web/sites/config";
const APPLICATIONS = "Microsoft.Graph/applications";
const CREDENTIALS = "Microsoft.Graph/applications/federatedIdentityCredentials";
const GRANTS = "Microsoft.Graph/oauth2PermissionGrants";
const API_AUTH = /^func-api-\w+\/authsettingsV2$/;
const FRONTEND_AUTH = /^app-frontend-\w+\/authsettingsV2$/;
const ANY_AUTH = /\/authsettingsV2$/;
const API = /^func-api-\w+$/;
const FRONTEND = /^app-frontend-\w+$/;
const AAD = "properties.identityProviders.azureActiveDirectory";

const TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const ISSUER = `https://login.microsoftonline.com/${TENANT}/v2.0`;
const MADE = {
  api: "00001111-aaaa-2222-bbbb-3333cccc4444",
  frontend: "22223333-cccc-4444-dddd-5555eeee6666",
  extra: "33334444-dddd-5555-eeee-6666ffff7777",
};
/** Scopes of Graph that hooks are told to check; in snapshots, two that stand for those in `infra/graph-scopes.json`. */
const SCOPES = scopesOf(
  JSON.parse(readFileSync(new URL("../../infra/snapshots/default.snapshot.json", import.meta.url), "utf8")),
);

function scopesOf({ outputs }: Pick<Snapshot, "outputs">): readonly string[] {
  return String(outputs.GRAPH_SCOPE_URIS)
    .split(" ")
    .map((uri) => uri.split("/").at(-1) ?? "");
}

/** Policies on who signs in where and who is admitted: Easy Auth, the registrations, and consent. */
export const SIGN_IN_POLICIES: Readonly<Record<string, Policy>> = {
  "authentication is on, required, and over HTTPS": must(CONFIG, ANY_AUTH, {
    "properties.platform.enabled": true,
    "properties.globalValidation.requireAuthentication": true,
    "properties.httpSettings.requireHttps": true,
    [`${AAD}.enabled`]: true,
  }),
  "Easy Auth trusts this tenant's issuer": must(CONFIG, ANY_AUTH, { [`${AAD}.registration.openIdIssuer`]: ISSUER }),
  "both apps name this tenant as the only one": must(CONFIG, /\/appsettings$/, {
    "properties.WEBSITE_AUTH_AAD_ALLOWED_TENANTS": TENANT,
  }),
  "the API answers 401, takes no sign-in, and stores no tokens": must(CONFIG, API_AUTH, {
    "properties.globalValidation.unauthenticatedClientAction": "Return401",
    "properties.login.tokenStore.enabled": false,
    [`${AAD}.registration.clientSecretSettingName`]: undefined,
  }),
  "the API takes tokens for its client id and its identifier URI": must(CONFIG, API_AUTH, {
    [`${AAD}.validation.allowedAudiences`]: (snapshot: Snapshot) => [
      clientIdOf(snapshot, "api"),
      snapshot.outputs.API_IDENTIFIER_URI,
    ],
  }),
  "the API lets the frontend through, and clients that are named": must(CONFIG, API_AUTH, {
    [`${AAD}.validation.defaultAuthorizationPolicy.allowedApplications`]: (snapshot: Snapshot) =>
      snapshot.scenario === "registrations-made"
        ? [MADE.frontend, MADE.extra]
        : "[union(createArray(reference('frontendApplication').appId), createArray())]",
  }),
  "the frontend begins a sign-in, and takes tokens for itself": must(CONFIG, FRONTEND_AUTH, {
    "properties.globalValidation.unauthenticatedClientAction": "RedirectToLoginPage",
    [`${AAD}.validation.allowedAudiences`]: (snapshot: Snapshot) => [clientIdOf(snapshot, "frontend")],
    [`${AAD}.validation.defaultAuthorizationPolicy.allowedApplications`]: (snapshot: Snapshot) => [
      clientIdOf(snapshot, "frontend"),
    ],
  }),
  "the frontend keeps tokens and refreshes them, for eight hours": must(CONFIG, FRONTEND_AUTH, {
    "properties.login.tokenStore.enabled": true,
    "properties.login.cookieExpiration.convention": "FixedTime",
    "properties.login.cookieExpiration.timeToExpiration": "08:00:00",
  }),
  "the frontend signs in with its identity": must(CONFIG, FRONTEND_AUTH, {
    [`${AAD}.registration.clientSecretSettingName`]: "OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID",
  }),
  "the frontend asks for the API's scope, in one entry": must(CONFIG, FRONTEND_AUTH, {
    [`${AAD}.login.loginParameters`]: ({ outputs }: Snapshot) => [
      `scope=openid profile email offline_access ${outputs.API_IDENTIFIER_URI}/user_impersonation`,
    ],
  }),
  "a sign-in ends in the browser and on the site where it began": must(CONFIG, FRONTEND_AUTH, {
    "properties.login.nonce.validateNonce": true,
    "properties.login.allowedExternalRedirectUrls": [],
  }),
  "a proxy's headers are trusted where one is named, and by the frontend only": must(
    CONFIG,
    ANY_AUTH,
    {
      "properties.httpSettings.forwardProxy.convention": ({ scenario }: Snapshot) =>
        scenario === "watched" ? /^(Custom|NoProxy)$/ : "NoProxy",
    },
    "watched",
  ),
  "users of this tenant only": must(APPLICATIONS, /./, { "properties.signInAudience": "AzureADMyOrg" }),
  "nobody signs in to the API": must(APPLICATIONS, API, {
    "properties.web": undefined,
    "properties.spa": undefined,
    "properties.publicClient": undefined,
  }),
  "the API's registration is for tokens of version 2, under its identifier URI": must(APPLICATIONS, API, {
    "properties.api.requestedAccessTokenVersion": 2,
    "properties.identifierUris": ({ resources }: Snapshot) => [
      `api://${TENANT}/${resources.find(({ type, name }) => type === APPLICATIONS && API.test(name))?.name}`,
    ],
  }),
  "the API knows the frontend and clients that are named": must(
    APPLICATIONS,
    API,
    {
      "properties.api.preAuthorizedApplications":
        /^\[map\(union\(createArray\(reference\('frontendApplication'\)\.appId\), createArray\([^()]*\)\), lambda\(/,
      "properties.api.knownClientApplications":
        /^\[union\(createArray\(reference\('frontendApplication'\)\.appId\), createArray\([^()]*\)\)\]$/,
    },
    "registrations",
  ),
  "no access token comes through the browser": must(APPLICATIONS, FRONTEND, {
    "properties.web.implicitGrantSettings.enableAccessTokenIssuance": false,
  }),
  "a sign-in comes back to the frontend's own host": must(APPLICATIONS, FRONTEND, {
    "properties.web.redirectUris": ({ resources }: Snapshot) => [
      `https://${resources.find(({ name }) => FRONTEND.test(name))?.name}.azurewebsites.net/.auth/login/aad/callback`,
    ],
  }),
  "each registration trusts its own app's identity, by one issuer and audience": {
    rule: (snapshot) =>
      ["func-api", "app-frontend"].flatMap((app) =>
        resourcesOf(snapshot, CREDENTIALS, new RegExp(`^${app}-\\w+/managed-identity$`)).flatMap((credential) => {
          const { issuer, subject, audiences } = credential.properties as Record<string, unknown>;
          const isOwn = SUBJECTS[app]?.test(String(subject));
          const isOne = issuer === ISSUER && String(audiences) === "api://AzureADTokenExchange";
          return isOwn && isOne ? [] : [`${credential.name}: ${subject}, ${issuer}, ${audiences}`];
        }),
      ),
    faults: ["issuer", "subject", "audiences"].map((property) => ({
      scenario: "default",
      type: CREDENTIALS,
      name: /^func-api/,
      path: `properties.${property}`,
      value: `[reference('/x/id-host-x', 'x').principalId]`,
    })),
  },
  "consent is for the listed scopes, for files where they are on, and for signing in": {
    rule: (snapshot) => {
      const grants = resourcesOf(snapshot, GRANTS).map(({ properties }) => {
        const { clientId, resourceId, consentType, scope } = properties as Record<string, string>;
        return [clientId, resourceId, consentType, scope].join(" ");
      });
      const hasFiles = ["files", "network-storage", "registrations"].includes(snapshot.scenario);
      const files =
        "[reference('apiServicePrincipal').id] [reference('azureStorage').id] AllPrincipals user_impersonation";
      const graph = "[reference('graph').id] AllPrincipals";
      const wanted = [
        `[reference('apiServicePrincipal').id] ${graph} ${SCOPES.join(" ")}`,
        ...(hasFiles ? [files] : []),
        "[reference('apiServicePrincipal').id] [reference('services[0]').id] AllPrincipals Third Fourth",
        `[reference('frontendServicePrincipal').id] ${graph} openid profile email offline_access`,
      ];
      return grants.length === 0 || grants.join() === wanted.join() ? [] : grants;
    },
    faults: [
      { scenario: "default", type: GRANTS, name: /apiService/, path: "properties.scope", value: "User.Read Mail.Read" },
      {
        scenario: "default",
        type: GRANTS,
        name: /frontendService/,
        path: "properties.scope",
        value: "openid Mail.Read",
      },
      { scenario: "files", type: GRANTS, name: /azureStorage/, path: "type", value: "spoiled" },
    ],
  },
  "registrations ask for what consent is given for": {
    rule: (snapshot) =>
      resourcesOf(snapshot, APPLICATIONS).flatMap(({ name, properties }) => {
        const asked = at(properties, "requiredResourceAccess") as readonly Access[];
        const counts = asked.map(({ resourceAppId, resourceAccess }) => [resourceAppId, resourceAccess.length].join());
        const hasFiles = ["files", "network-storage", "registrations"].includes(snapshot.scenario);
        const graph = `00000003-0000-0000-c000-000000000000,${API.test(name) ? SCOPES.length : 4}`;
        const files = hasFiles ? ["e406a681-f3d4-42a8-90b6-c2b029497af1,1"] : [];
        const wanted = API.test(name) ? [graph, ...files, "77778888-bbbb-9999-cccc-0000dddd1111,2"] : [graph];
        return counts.join(";") === wanted.join(";") ? [] : [`${name}: ${counts.join(";")}`];
      }),
    faults: [
      { scenario: "default", type: APPLICATIONS, name: API, path: "properties.requiredResourceAccess", value: [] },
    ],
  },
};

interface Access {
  readonly resourceAppId: string;
  readonly resourceAccess: readonly unknown[];
}

/** Principal id of an identity: one deployed beside it, or one given to the administrator. */
const SUBJECTS: Readonly<Record<string, RegExp>> = {
  "func-api": /^(\[reference\('[^']*\/id-api-\w+', '[\d-]+'\)\.principalId\]|44445555-eeee-6666-ffff-777788889999)$/,
  "app-frontend":
    /^(\[reference\('[^']*\/id-frontend-\w+', '[\d-]+'\)\.principalId\]|55556666-ffff-7777-aaaa-888899990000)$/,
};

function clientIdOf({ scenario }: Snapshot, app: "api" | "frontend"): string {
  return scenario === "registrations-made" ? MADE[app] : `[reference('${app}Application').appId]`;
}
