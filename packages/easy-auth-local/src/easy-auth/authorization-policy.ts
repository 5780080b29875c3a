import type { JWTPayload } from "jose";
import type { AppSettings, AuthSettings } from "./auth-settings.ts";
import type { Switches } from "./switches.ts";

/** Returns the reason why claims are refused, or undefined. */
type Rule = (claims: JWTPayload) => string | undefined;

/** Decides which users with a valid token or session may use the app. Others are answered 403. */
export interface AuthorizationPolicy {
  /** Refusal of a session: tenants, users and groups. The ID token behind it names no client application. */
  readonly refusalOfUser: Rule;
  /** Refusal of a token that a client brings: the client application counts as well. */
  readonly refusalOfToken: Rule;
}

/**
 * Makes the rules of `validation` and of the app settings `WEBSITE_AUTH_AAD_ALLOWED_TENANTS` and
 * `WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL`: all must agree.
 * https://learn.microsoft.com/azure/app-service/configure-authentication-provider-aad#use-a-built-in-authorization-policy
 */
export function createAuthorizationPolicy(
  { identityProviders }: AuthSettings,
  appSettings: AppSettings,
  { emptyAllowedApplications }: Pick<Switches, "emptyAllowedApplications">,
): AuthorizationPolicy {
  const { jwtClaimChecks, defaultAuthorizationPolicy } = identityProviders.azureActiveDirectory.validation ?? {};
  const { allowedApplications = [], allowedPrincipals = {} } = defaultAuthorizationPolicy ?? {};
  const { identities = [], groups = [] } = allowedPrincipals;
  const tenants = splitList(appSettings.WEBSITE_AUTH_AAD_ALLOWED_TENANTS);
  const needsObjectId = /^(true|1)$/i.test(appSettings.WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL ?? "");

  const userRules: Rule[] = [
    enforced(
      tenants,
      ({ tid }) => [tid],
      ({ tid }) => `tid ${tid} is not in WEBSITE_AUTH_AAD_ALLOWED_TENANTS`,
    ),
    enforced(jwtClaimChecks?.allowedGroups ?? [], groupsOf, () => "no group is in jwtClaimChecks.allowedGroups"),
    enforced(
      [...identities, ...groups],
      (claims) => [claims.oid, ...groupsOf(claims)],
      () => "neither oid nor a group is in defaultAuthorizationPolicy.allowedPrincipals",
    ),
  ];
  const tokenRules: Rule[] = [
    ...userRules,
    ({ oid }) =>
      needsObjectId && oid === undefined
        ? "oid is missing, which WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL requires"
        : undefined,
    ofApplication(jwtClaimChecks?.allowedClientApplications ?? [], "jwtClaimChecks.allowedClientApplications"),
    allowedApplications.length === 0
      ? () => (emptyAllowedApplications === "deny" ? EMPTY_LIST : undefined)
      : ofApplication(allowedApplications, "defaultAuthorizationPolicy.allowedApplications"),
  ];
  return { refusalOfUser: firstOf(userRules), refusalOfToken: firstOf(tokenRules) };
}

const EMPTY_LIST =
  "defaultAuthorizationPolicy.allowedApplications is empty, and the switch emptyAllowedApplications is deny";

/** Makes the rule that one of the values is listed; an empty list is no rule. */
function enforced(
  list: readonly string[],
  valuesOf: (claims: JWTPayload) => readonly unknown[],
  describe: (claims: JWTPayload) => string,
): Rule {
  const allowed = new Set<unknown>(list);
  return (claims) =>
    allowed.size === 0 || valuesOf(claims).some((value) => allowed.has(value)) ? undefined : describe(claims);
}

function ofApplication(list: readonly string[], setting: string): Rule {
  return enforced(list, applicationOf, (claims) => {
    const [application] = applicationOf(claims);
    if (application === undefined)
      return `no client application (azp, appid) is named, as in ID tokens, for ${setting}`;
    return `${claims.azp === undefined ? "appid" : "azp"} ${application} is not in ${setting}`;
  });
}

function firstOf(rules: readonly Rule[]): Rule {
  return (claims) => {
    for (const rule of rules) {
      const reason = rule(claims);
      if (reason !== undefined) return reason;
    }
    return undefined;
  };
}

/** Returns `azp` of version 2 tokens, `appid` of version 1. An ID token has neither. */
function applicationOf({ azp, appid }: JWTPayload): readonly unknown[] {
  return [azp ?? appid];
}

function groupsOf({ groups }: JWTPayload): readonly unknown[] {
  return Array.isArray(groups) ? groups : [];
}

function splitList(value = ""): string[] {
  return value
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}
