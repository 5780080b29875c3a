import type { JWTPayload } from "jose";
import type { AppSettings, AuthSettings } from "./auth-settings.ts";
import type { Switches } from "./switches.ts";

type Rule = (claims: JWTPayload) => boolean;

/** Who, of those whose token holds or who signed in, may use the app. All others are answered 403. */
export interface AuthorizationPolicy {
  /** For a session: tenants, users and groups. The ID token behind it names no client application. */
  readonly allowsUser: Rule;
  /** For a token that a client brings: the client application as well. */
  readonly allowsToken: Rule;
}

/**
 * The rules of `validation` and of the app settings `WEBSITE_AUTH_AAD_ALLOWED_TENANTS` and
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
    enforced(tenants, ({ tid }) => [tid]),
    enforced(jwtClaimChecks?.allowedGroups ?? [], groupsOf),
    enforced([...identities, ...groups], (claims) => [claims.oid, ...groupsOf(claims)]),
  ];
  const tokenRules: Rule[] = [
    ...userRules,
    ({ oid }) => !needsObjectId || oid !== undefined,
    enforced(jwtClaimChecks?.allowedClientApplications ?? [], applicationOf),
    allowedApplications.length === 0
      ? () => emptyAllowedApplications === "allow"
      : enforced(allowedApplications, applicationOf),
  ];
  return {
    allowsUser: (claims) => userRules.every((rule) => rule(claims)),
    allowsToken: (claims) => tokenRules.every((rule) => rule(claims)),
  };
}

/** A rule that one of the values is listed; an empty list is no rule. */
function enforced(list: readonly string[], valuesOf: (claims: JWTPayload) => readonly unknown[]): Rule {
  const allowed = new Set<unknown>(list);
  return (claims) => allowed.size === 0 || valuesOf(claims).some((value) => allowed.has(value));
}

/** `azp` in version 2 tokens, `appid` in version 1. An ID token has neither. */
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
