import { graphOriginOf } from "../directory/clouds.ts";
import type { Directory, Registration } from "../directory/directory.ts";
import type { Authority } from "./authority.ts";
import { claimsRequestOf, refuseUnsatisfied } from "./claims-request.ts";
import { refuseWithoutConsent } from "./consent.ts";
import { type RequestedScopes, requestedScopes } from "./requested-scopes.ts";
import { idTokenChanges, type SignIn } from "./sign-in.ts";
import { apiTokenSeconds, graphTokenSeconds, type TokenIssuer } from "./tokens.ts";

/** Credential that a client authenticated with. */
export type ClientProof = "none" | "secret" | "assertion";

/** A request to the token endpoint, its client known. */
export interface TokenRequest {
  readonly client: Registration;
  readonly proof: ClientProof;
  /** Whether a page's script sent the request. */
  readonly isCrossOrigin: boolean;
  readonly form: URLSearchParams;
  readonly authority: Authority;
  readonly issuer: TokenIssuer;
}

/**
 * The body of a successful answer:
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#successful-response-2
 */
export type TokenAnswer = Readonly<Record<string, string | number>>;

/**
 * Issues the tokens that a sign-in, or an exchange, is good for. `keepForRefresh` returns a new refresh token for it. Throws
 * EntraError without consent, or when `claims` asks for more than the sign-in satisfied.
 */
export async function answerToSignIn(
  signIn: SignIn,
  { client, form, authority, issuer }: TokenRequest,
  directory: Directory,
  keepForRefresh: () => string,
): Promise<TokenAnswer> {
  const { account, tenantId, nonce } = signIn;
  const graphOrigin = graphOriginOf(authority.issuerOrigin);
  const granted = requestedScopes(signIn.scope, client, directory, graphOrigin);
  // A refresh token is good for other scopes too.
  const asked = form.has("scope") ? requestedScopes(form.get("scope") ?? "", client, directory, graphOrigin) : granted;
  const scopes = asked.names.length > 0 ? asked : granted;
  refuseUnsatisfied(form.get("claims"), signIn.contexts);
  refuseWithoutConsent(scopes, client, account, directory);
  const ownIssuer = issuer.at(authority.issuerOrigin, tenantId);
  const { accessToken, seconds } = await issueAccessToken(signIn, scopes, client, form, ownIssuer);
  const idToken = () => ownIssuer.idToken(account, client, nonce, idTokenChanges(signIn, granted));
  return {
    token_type: "Bearer",
    scope: scopes.echo,
    expires_in: seconds,
    ext_expires_in: seconds,
    access_token: accessToken,
    ...(granted.hasOpenid && { id_token: await idToken() }),
    ...(granted.hasOfflineAccess && { refresh_token: keepForRefresh() }),
    ...(form.get("client_info") === "1" && { client_info: clientInfo(account.objectId, tenantId) }),
  };
}

async function issueAccessToken(
  { account, contexts }: SignIn,
  { resource, names }: RequestedScopes,
  client: Registration,
  form: URLSearchParams,
  issuer: TokenIssuer,
): Promise<{ readonly accessToken: string; readonly seconds: number }> {
  if (resource) {
    const request = { account, audience: resource, client, scope: names.join(" ") };
    const accessToken = await issuer.apiToken(request, contexts.length > 0 ? { acrs: contexts } : {});
    return { accessToken, seconds: apiTokenSeconds(account) };
  }
  // Without a scope of an API, Entra issues a token for Graph.
  const { isCapable } = claimsRequestOf(form.get("claims"));
  const scope = [...new Set([...names, "openid", "profile", "email"])].join(" ");
  const accessToken = await issuer.graphToken(account, client, scope, isCapable);
  return { accessToken, seconds: graphTokenSeconds(isCapable) };
}

/** Makes `client_info`, in which MSAL expects the user's ids. */
function clientInfo(objectId: string, tenantId: string): string {
  return Buffer.from(JSON.stringify({ uid: objectId, utid: tenantId })).toString("base64url");
}
