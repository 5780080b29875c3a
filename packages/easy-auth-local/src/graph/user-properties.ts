/** Properties of a user without `$select`: https://learn.microsoft.com/graph/api/user-get#response */
export const DEFAULT_PROPERTIES: readonly string[] = [
  ...["businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation"],
  ...["preferredLanguage", "surname", "userPrincipalName", "id"],
];

/**
 * Properties of others that `User.ReadBasic.All` lets an app read:
 * https://learn.microsoft.com/graph/permissions-reference#userreadbasicall
 */
export const BASIC_PROPERTIES: ReadonlySet<string> = new Set([
  ...["displayName", "givenName", "id", "mail", "photo", "securityIdentifier", "surname", "userPrincipalName"],
]);

/** The other properties of https://learn.microsoft.com/graph/api/resources/user#properties */
const OTHER_PROPERTIES: readonly string[] = [
  ...["assignedLicenses", "assignedPlans", "identities", "imAddresses", "interests"],
  ...["licenseAssignmentStates", "onPremisesProvisioningErrors", "otherMails", "pastProjects", "provisionedPlans"],
  ...["proxyAddresses", "responsibilities", "schools", "serviceProvisioningErrors", "skills"],
  ...["aboutMe", "accountEnabled", "ageGroup", "authorizationInfo", "birthday", "city", "companyName"],
  ...["consentProvidedForMinor", "country", "createdDateTime", "creationType", "customSecurityAttributes"],
  ...["deletedDateTime", "department", "employeeHireDate", "employeeId", "employeeLeaveDateTime", "employeeOrgData"],
  ...["employeeType", "externalUserState", "externalUserStateChangeDateTime", "faxNumber", "hireDate"],
  ...["isManagementRestricted", "isResourceAccount", "lastPasswordChangeDateTime", "legalAgeGroupClassification"],
  ...["mailboxSettings", "mailNickname", "mySite", "onPremisesDistinguishedName", "onPremisesDomainName"],
  ...["onPremisesExtensionAttributes", "onPremisesImmutableId", "onPremisesLastSyncDateTime"],
  ...["onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled"],
  ...["onPremisesUserPrincipalName", "passwordPolicies", "passwordProfile", "postalCode", "preferredDataLocation"],
  ...["preferredName", "print", "securityIdentifier", "showInAddressList", "signInActivity"],
  ...["signInSessionsValidFromDateTime", "state", "streetAddress", "usageLocation", "userType"],
];

const KNOWN: ReadonlySet<string> = new Set([...DEFAULT_PROPERTIES, ...OTHER_PROPERTIES]);

/** Whether a user of Graph can have a property. */
export function isUserProperty(name: string): boolean {
  return KNOWN.has(name) || isExtension(name);
}

/** Properties that an organization or an app adds: https://learn.microsoft.com/graph/extensibility-overview */
function isExtension(name: string): boolean {
  return /^(extension_[0-9a-f]{32}_\w+|ext\w+_\w+)$/i.test(name);
}
