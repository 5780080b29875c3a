/** The scopes that one endpoint asks for on behalf of its user, by the resource they belong to. */
export type ScopesByResource = ReadonlyMap<string, readonly string[]>;

/** A resource (`https://…`, `api://…` or a client id), a slash, and the scope's own name. */
const QUALIFIED = /^(?:(?:https|api):\/\/)?[^\s/:][^\s:]*\/[^\s/:]+$/;
const NAME = /^[A-Za-z][\w.-]*$/;

/**
 * Sorts scopes by resource, since a token is good for one. Those without a resource, such as `User.Read`, are Graph's.
 * Checks what Entra would refuse at the first request: the form of each, and that `.default` of a resource stands alone
 * (https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope). Throws an Error that names it.
 */
export function scopesByResource(scopes: readonly string[], graphOrigin: string): ScopesByResource {
  const byResource = new Map<string, string[]>();
  for (const scope of scopes) {
    const qualified = NAME.test(scope) ? `${graphOrigin}/${scope}` : scope;
    if (!QUALIFIED.test(qualified))
      throw new Error(`"${scope}" is no scope. One is https://storage.azure.com/user_impersonation.`);
    const resource = resourceOf(qualified);
    byResource.set(resource, [...(byResource.get(resource) ?? []), qualified]);
  }
  for (const [resource, ofResource] of byResource) {
    if (ofResource.length > 1 && ofResource.some((scope) => scope.endsWith("/.default"))) {
      throw new Error(`The scopes of ${resource} mix .default with others, which Entra refuses. Use one or the other.`);
    }
  }
  return byResource;
}

/** What a qualified scope belongs to, as the token's audience: `https://storage.azure.com` of `https://storage.azure.com/.default`. */
export function resourceOf(scope: string): string {
  // Some resources end in a slash themselves: https://management.core.windows.net//.default
  return scope.slice(0, scope.lastIndexOf("/")).replace(/\/$/, "");
}
