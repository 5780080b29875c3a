import { at, textAt } from "./bicep.ts";
import { must, nameOf, not, ofType, present } from "./checks.ts";
import type { Infra } from "./infra.ts";
import type { Body } from "./schema.ts";
import { each, type Rule } from "./structure-rules.ts";

const CONFIG = "Microsoft.Web/sites/config";
const APPLICATIONS = "Microsoft.Graph/applications";
const AAD = "properties.identityProviders.azureActiveDirectory";

/** Who signs in where, and who is let through: Easy Auth and the registrations. */
export const SIGN_IN_RULES = {
  "authentication is on and required": (infra) =>
    easyAuth(infra).flatMap((auth) => [
      ...not(auth, "properties.platform.enabled", "true"),
      ...not(auth, "properties.globalValidation.requireAuthentication", "true"),
      ...not(auth, "properties.identityProviders.azureActiveDirectory.enabled", "true"),
    ]),
  "authentication is written after what it names": (infra) =>
    ["api", "frontend"].filter(
      (name) => !new RegExp(`siteName: ${name}!\\.outputs\\.name`).test(infra.files.get("resources.bicep")?.text ?? ""),
    ),
  "the API answers 401, the frontend begins a sign-in": (infra) => [
    ...not(apiAuth(infra), "properties.globalValidation.unauthenticatedClientAction", "'Return401'"),
    ...not(frontendAuth(infra), "properties.globalValidation.unauthenticatedClientAction", "'RedirectToLoginPage'"),
  ],
  "Easy Auth wants HTTPS": must(easyAuth, "properties.httpSettings.requireHttps", "true"),
  "the API takes tokens for its client id and its identifier URI": (infra) =>
    not(apiAuth(infra), `${AAD}.validation.allowedAudiences`, "[clientId, audience]"),
  "the frontend takes tokens for itself": (infra) =>
    not(frontendAuth(infra), `${AAD}.validation.allowedAudiences`, "[clientId]"),
  "only known clients are let through": (infra) => [
    ...not(apiAuth(infra), `${AAD}.validation.defaultAuthorizationPolicy.allowedApplications`, "allowedClientIds"),
    ...not(frontendAuth(infra), `${AAD}.validation.defaultAuthorizationPolicy.allowedApplications`, "[clientId]"),
  ],
  "users of this tenant only": (infra) => [
    ...each(infra, (file) =>
      file.text.includes("siteConfig:") && !/WEBSITE_AUTH_AAD_ALLOWED_TENANTS: tenant\(\)\.tenantId/.test(file.text)
        ? [`${file.path}: any tenant`]
        : [],
    ),
    ...ofType(infra, APPLICATIONS).flatMap((one) => not(one, "signInAudience", "'AzureADMyOrg'")),
  ],
  "the API stores no tokens": (infra) => not(apiAuth(infra), "properties.login.tokenStore.enabled", "false"),
  "the frontend keeps tokens and refreshes them": (infra) =>
    not(frontendAuth(infra), "properties.login.tokenStore.enabled", "true"),
  "nobody signs in to the API": (infra) => [
    ...present(apiAuth(infra), `${AAD}.registration`, ["clientSecretSettingName"]),
    ...present(apiRegistration(infra), "", ["web", "spa", "publicClient"]),
  ],
  "the frontend signs in with its identity": (infra) =>
    not(frontendAuth(infra), `${AAD}.registration.clientSecretSettingName`, "'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID'"),
  "the frontend asks for the API's scope, in one entry": (infra) =>
    not(
      frontendAuth(infra),
      `${AAD}.login.loginParameters`,
      "['scope=openid profile email offline_access ${apiScope}']",
    ),
  "a sign-in ends in the browser and on the site where it began": (infra) => [
    ...not(frontendAuth(infra), "properties.login.nonce.validateNonce", "true"),
    ...not(frontendAuth(infra), "properties.login.allowedExternalRedirectUrls", "[]"),
  ],
  "a session ends after eight hours": (infra) => [
    ...not(frontendAuth(infra), "properties.login.cookieExpiration.convention", "'FixedTime'"),
    ...not(frontendAuth(infra), "properties.login.cookieExpiration.timeToExpiration", "'08:00:00'"),
  ],
  "the frontend may sign users in and nothing else": (infra) => {
    const scopes = infra.files.get("entra.bicep")?.variables.get("signInScopes")?.text;
    return scopes === "['openid', 'profile', 'email', 'offline_access']" ? [] : [`entra.bicep: ${scopes}`];
  },
  "registrations issue tokens of version 2": (infra) =>
    not(apiRegistration(infra), "api.requestedAccessTokenVersion", "2"),
  "no access token comes through the browser": (infra) =>
    ofType(infra, APPLICATIONS)
      .filter(({ body }) => at(body, "web"))
      .flatMap((one) => not(one, "web.implicitGrantSettings.enableAccessTokenIssuance", "false")),
  "redirect URIs are HTTPS": (infra) =>
    each(infra, (file) => [...file.text.matchAll(/'(http:\/\/[^']*)'/g)].map(([, uri]) => `${file.path}: ${uri}`)),
  "trust in an identity names one issuer, subject and audience": (infra) =>
    ofType(infra, "Microsoft.Graph/applications/federatedIdentityCredentials").flatMap((one) => [
      ...not(one, "name", "'${application.uniqueName}/managed-identity'"),
      ...not(one, "issuer", "issuer"),
      ...not(one, "subject", "identityPrincipalId"),
      ...not(one, "audiences", "[tokenExchangeAudience]"),
    ]),
  "registration and consent name the same Graph scopes": (infra) => {
    const wanted = {
      "entra.bicep": ["contains(graphScopes, permission.value)", "graphScopes: graphScopes"],
      "modules/api-registration.bicep": ["map(graphScopes, name =>", "concat([graphAccess], otherAccess)"],
      "modules/consent.bicep": ["scope: join(graphScopes, ' ')\n"],
    };
    return Object.entries(wanted).flatMap(([path, texts]) =>
      texts.filter((text) => !infra.files.get(path)?.text.includes(text)).map((text) => `${path}: lacks ${text}`),
    );
  },
} satisfies Record<string, Rule>;

function easyAuth(infra: Infra): Body[] {
  return ofType(infra, CONFIG).filter((body) => nameOf(body) === "authsettingsV2");
}

function one(infra: Infra, type: string, path: string): Body | undefined {
  return ofType(infra, type).find(
    ({ file, body }) => file.path === path && (type !== CONFIG || textAt(body, "name") === "'authsettingsV2'"),
  );
}

function apiAuth(infra: Infra): Body | undefined {
  return one(infra, CONFIG, "modules/api-easy-auth.bicep");
}

function frontendAuth(infra: Infra): Body | undefined {
  return one(infra, CONFIG, "modules/frontend-easy-auth.bicep");
}

function apiRegistration(infra: Infra): Body | undefined {
  return one(infra, APPLICATIONS, "modules/api-registration.bicep");
}
