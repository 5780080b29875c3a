import { type Account, OTHER_TENANT_ID } from "./account.ts";

/** The policy that asks `mfa-needed` for more, by the id that Microsoft's documentation uses. */
const POLICY_CLAIMS = JSON.stringify({
  access_token: { polids: { essential: true, values: ["00aa00aa-bb11-cc22-dd33-44ee44ee44ee"] } },
});

/**
 * Maximum of groups in a token:
 * https://learn.microsoft.com/security/zero-trust/develop/configure-tokens-group-claims-app-roles
 */
const MOST_GROUPS = 200;

/**
 * Built-in accounts, each showing one thing that happens in real tenants. Their ids are in the style of Microsoft's
 * documentation, so that nobody takes them for real.
 */
export const ACCOUNTS: readonly Account[] = [
  {
    key: "works",
    objectId: "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
    shows: "Everything works: a full profile.",
    managerKey: "no-photo",
    profile: {
      ...person("Adele", "Vance"),
      jobTitle: "Retail Manager",
      businessPhones: ["+1 425 555 0109"],
      mobilePhone: "+1 425 555 0187",
      officeLocation: "18/2111",
      preferredLanguage: "en-US",
      department: "Retail",
      companyName: "Contoso",
    },
  },
  {
    key: "sparse",
    objectId: "bbbbbbbb-1111-2222-3333-cccccccccccc",
    shows: "A new hire whose profile is almost empty.",
    hasPhoto: false,
    profile: {
      displayName: "Diego Siciliani",
      userPrincipalName: "diego.siciliani@contoso.example",
      businessPhones: [],
    },
  },
  {
    key: "no-photo",
    objectId: "00000000-aaaa-1111-bbbb-222222222222",
    shows: "A profile without a photo: Graph answers 404 ImageNotFound for it.",
    hasPhoto: false,
    profile: person("Alex", "Wilber"),
  },
  {
    key: "no-role",
    objectId: "dddddddd-3333-4444-5555-eeeeeeeeeeee",
    shows: "No role in Storage, which answers 403 to this user. All else works.",
    storageRole: "none",
    profile: person("Allan", "Deyoung"),
  },
  {
    key: "container-role",
    objectId: "dddddddd-4444-5555-6666-eeeeeeeeeeee",
    shows: "A role on the container alone: Storage lists it, and answers 403 for its files.",
    storageRole: "container",
    profile: person("Debra", "Berger"),
  },
  {
    key: "guest",
    objectId: "11111111-bbbb-2222-cccc-333333333333",
    shows: "A guest of another tenant: tokens of this tenant, with the home tenant in idp.",
    homeTenantId: OTHER_TENANT_ID,
    isGuest: true,
    profile: {
      ...person("Megan", "Bowen", "fabrikam.example"),
      userPrincipalName: "megan.bowen_fabrikam.example#EXT#@contoso.example",
      userType: "Guest",
    },
  },
  {
    key: "many-groups",
    objectId: "22222222-cccc-3333-dddd-444444444444",
    shows: `${MOST_GROUPS} groups in every token: headers too long for servers with Node's default of 16 KiB (431).`,
    groups: Array.from(
      { length: MOST_GROUPS },
      (_, index) => `33333333-dddd-4444-eeee-${String(index).padStart(12, "0")}`,
    ),
    profile: person("Nestor", "Wilke"),
  },
  {
    key: "no-consent",
    objectId: "cccccccc-2222-3333-4444-dddddddddddd",
    shows: "Nobody granted the API consent to call Graph (AADSTS65001).",
    consentToGraph: false,
    profile: person("Lidia", "Holloway"),
  },
  {
    key: "mfa-needed",
    objectId: "44444444-eeee-5555-ffff-666666666666",
    shows: "A policy asks for multifactor authentication (AADSTS50076): sign in again with the claims.",
    exchangeRefusal: {
      number: 50076,
      error: "invalid_grant",
      suberror: "basic_action",
      claims: POLICY_CLAIMS,
      text: "You must use multifactor authentication to access Microsoft Graph.",
      untilContext: "p1",
    },
    profile: person("Isaiah", "Langer"),
  },
  {
    key: "blocked",
    objectId: "55555555-ffff-6666-aaaa-777777777777",
    shows: "A Conditional Access policy blocks this user (AADSTS53003).",
    exchangeRefusal: {
      number: 53003,
      error: "invalid_grant",
      suberror: "message_only",
      claims: POLICY_CLAIMS.replace("polids", "capolids"),
      text: "Access has been blocked by Conditional Access policies.",
    },
    profile: person("Joni", "Sherman"),
  },
  {
    key: "not-assigned",
    objectId: "66666666-aaaa-7777-bbbb-888888888888",
    shows: "The API requires assignment, and this user is not assigned (AADSTS50105).",
    exchangeRefusal: {
      number: 50105,
      error: "invalid_grant",
      text: "The signed-in user is not assigned to a role for the application 'API'.",
    },
    profile: person("Lynne", "Robbins"),
  },
  {
    key: "access-revoked",
    objectId: "77777777-bbbb-8888-cccc-999999999999",
    shows: "An administrator revoked the sessions: Graph challenges the token (CAE), until the next sign-in.",
    isRevokedOnFirstUse: true,
    profile: person("Patti", "Fernandez"),
  },
  {
    key: "token-expires",
    objectId: "88888888-cccc-9999-dddd-aaaaaaaaaaaa",
    shows: "Access tokens for the API last 1 minute; /.auth/refresh gets the next one.",
    accessTokenSeconds: 60,
    profile: person("Johanna", "Lorenz"),
  },
  {
    key: "refresh-gone",
    objectId: "99999999-dddd-aaaa-eeee-bbbbbbbbbbbb",
    shows: "As token-expires, and /.auth/refresh is refused (AADSTS700082): only signing in again helps.",
    accessTokenSeconds: 60,
    refreshRefusal: {
      number: 700082,
      error: "invalid_grant",
      text: "The refresh token has expired due to inactivity.",
    },
    profile: person("Grady", "Archie"),
  },
  {
    key: "throttled",
    objectId: "aaaaaaaa-eeee-bbbb-ffff-cccccccccccc",
    shows: "Graph throttles: 429 with Retry-After 30, longer than most apps wait.",
    graphFault: { kind: "graphError", status: 429, code: "TooManyRequests", headers: { "retry-after": "30" } },
    profile: person("Henrietta", "Mueller"),
  },
  {
    key: "graph-slow",
    objectId: "bbbbbbbb-ffff-cccc-aaaa-dddddddddddd",
    shows: "Graph takes 15 s, longer than most apps wait.",
    graphFault: { kind: "slow", delayMs: 15_000 },
    profile: person("Miriam", "Graham"),
  },
  {
    key: "other-tenant",
    objectId: "cccccccc-aaaa-dddd-bbbb-eeeeeeeeeeee",
    shows: "A user of another tenant, whom this one does not know: the sign-in itself is refused (AADSTS50020).",
    homeTenantId: OTHER_TENANT_ID,
    profile: person("Pradeep", "Gupta", "fabrikam.example"),
  },
];

function person(givenName: string, surname: string, domain = "contoso.example") {
  const address = `${givenName}.${surname}@${domain}`.toLowerCase();
  const displayName = `${givenName} ${surname}`;
  return { displayName, givenName, surname, mail: address, userPrincipalName: address, businessPhones: [] };
}
