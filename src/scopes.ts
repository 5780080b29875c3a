/** Scopes that an endpoint asks for on behalf of its user, by the resource they belong to. */
export type ScopesByResource = ReadonlyMap<string, readonly string[]>;

/** Form of a qualified scope: a resource (`https://…`, `api://…` or a client id), a slash, and the scope's own name. */
const QUALIFIED = /^(?:(?:https|api):\/\/)?[^\s/:][^\s:]*\/[^\s/:]+$/;
const NAME = /^[A-Za-z][\w.-]*$/;

/**
 * Groups scopes by resource, since a token is for one. Scopes without a resource, such as `User.Read`, are Graph's. Throws an
 * Error for scopes that Entra would refuse at the first request: a malformed one, or `.default` beside others of its resource
 * (https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope).
 */
export function scopesByResource(scopes: readonly string[], graphOrigin: string): ScopesByResource {
  const byResource = new Map<string, string[]>();
  for (const scope of scopes) {
    const qualified = NAME.test(scope) ? `${graphOrigin}/${scope}` : scope;
    if (!QUALIFIED.test(qualified))
      throw new Error(`"${scope}" is not a scope. An example of one: https://storage.azure.com/user_impersonation.`);
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

/**
 * Returns the resource of a qualified scope, the audience of its tokens: `https://storage.azure.com` for
 * `https://storage.azure.com/.default`.
 */
export function resourceOf(scope: string): string {
  // Some resources end in a slash themselves: https://management.core.windows.net//.default
  return scope.slice(0, scope.lastIndexOf("/")).replace(/\/$/, "");
}
