/**
 * What is not known of Easy Auth: no documentation says it, or reports differ. Each is a switch, so that an app can be
 * tried with both; the default is named first.
 */
export interface Switches {
  /**
   * The `X-MS-TOKEN-AAD-*` headers of a request with a bearer token. Reported: none; and, in another case, the token of an
   * earlier request, perhaps past its time. `fresh` is the token that came with the request, `stale` the first that came
   * from this user. https://github.com/Azure/azure-functions-microsoftgraph-extension/issues/97,
   * https://github.com/MicrosoftDocs/azure-docs/issues/11383
   */
  readonly bearerTokenHeaders: "none" | "fresh" | "stale";
  /** Which counts when a request has both: asked, never answered. https://github.com/MicrosoftDocs/azure-docs/issues/117379 */
  readonly precedence: "bearer" | "session";
  /** `/.auth/me` without a session: clients of old read 401 as "not signed in"; other emulators answer `[]`. */
  readonly meUnauthenticated: "401" | "emptyArray";
  /** `/.auth/me` without a token store: Container Apps answer 404. https://github.com/microsoft/azure-container-apps/issues/479 */
  readonly meWithoutTokenStore: "404" | "401";
  /**
   * Whether an issuer of version 2 also takes version 1 tokens of the same tenant, and the other way round. Microsoft's
   * support saw them refused. https://github.com/MicrosoftDocs/azure-docs/issues/76602
   */
  readonly issuerMatch: "strict" | "sameTenantAnyVersion";
  /** The documentation says that an empty list is not enforced; a report from 2026 says that it refuses everyone. */
  readonly emptyAllowedApplications: "allow" | "deny";
  /** A bearer token with a wrong signature where anonymous requests may pass: reported to pass as anonymous. */
  readonly invalidBearerUnderAllowAnonymous: "passAnonymous" | "401";
  /** Whether a path of `excludedPaths` without `/*` also excludes what is below it. */
  readonly excludedPathMatch: "exact" | "prefix";
  /** Whether a signed-in user's headers are there on an excluded path. */
  readonly excludedPathHeaders: "none" | "injected";
  /** The ID token after `/.auth/refresh`: reported to stay. https://github.com/MicrosoftDocs/azure-docs/issues/102509 */
  readonly idTokenAfterRefresh: "kept" | "renewed";
  /** The body of a 401: none, or a sentence of 58 bytes. Captures show both and do not name the system. */
  readonly platform401: "linux" | "windows";
  /** Where a sign-out ends: App Service, or Container Apps. */
  readonly logoutCompletePath: "/.auth/logout/complete" | "/.auth/logout/done";
}

export const DEFAULT_SWITCHES: Switches = {
  bearerTokenHeaders: "none",
  precedence: "bearer",
  meUnauthenticated: "401",
  meWithoutTokenStore: "404",
  issuerMatch: "strict",
  emptyAllowedApplications: "allow",
  invalidBearerUnderAllowAnonymous: "passAnonymous",
  excludedPathMatch: "exact",
  excludedPathHeaders: "none",
  idTokenAfterRefresh: "kept",
  platform401: "linux",
  logoutCompletePath: "/.auth/logout/complete",
};
