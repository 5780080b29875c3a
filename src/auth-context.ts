import { AppError } from "./errors.ts";
import type { SignedInUser } from "./user.ts";

/** Form of the ids that Entra has: https://learn.microsoft.com/graph/api/resources/authenticationcontextclassreference */
const AUTH_CONTEXT = /^c[1-9]\d?$/;

/**
 * Asks for a stronger sign-in: throws unless the user's sign-in satisfied an authentication context, such as `c1`, to which a
 * Conditional Access policy of the tenant gives its meaning. The claims that the next sign-in has to ask for are those of
 * https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context
 *
 * @throws AppError `claims_challenge`
 */
export function requireAuthContext({ authContexts = [], links }: SignedInUser, authContext: string): void {
  checkAuthContext(authContext);
  if (authContexts.includes(authContext)) return;
  throw new AppError("claims_challenge", {
    claims: JSON.stringify({ access_token: { acrs: { essential: true, value: authContext } } }),
    authorizationUri: links.authorizationUri,
    hint: `The token's acrs lacks ${authContext}, which the endpoint asks for.`,
  });
}

/** Throws an Error unless the id is one that Entra has: no sign-in could satisfy another. */
export function checkAuthContext(authContext: string): void {
  if (!AUTH_CONTEXT.test(authContext)) throw new Error(`"${authContext}" is no authentication context: c1 to c99.`);
}
