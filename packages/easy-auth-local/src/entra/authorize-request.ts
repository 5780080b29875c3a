import { graphPermissionsOf, type Permissions } from "../directory/consents.ts";
import type { Account, Directory, Registration } from "../directory/directory.ts";
import type { RoutedRequest } from "../http/router.ts";
import { type Authority, appAt, authorityOf, isForSeveralTenants } from "./authority.ts";
import type { ResponseMode, Target } from "./authorization-response.ts";
import { claimsRequestOf } from "./claims-request.ts";
import { missingPermissions } from "./consent.ts";
import { entraError } from "./errors.ts";
import { type RedirectKind, redirectKindOf } from "./redirect-uris.ts";
import { requestedScopes } from "./requested-scopes.ts";

/** Request to `authorize`, checked; kept while the user picks an account. */
export interface AuthorizeRequest extends Target {
  readonly client: Registration;
  /** Kind of client that the redirect URI is registered for. */
  readonly kind: RedirectKind;
  readonly authority: Authority;
  readonly scope: string;
  readonly wantsCode: boolean;
  readonly wantsIdToken: boolean;
  /** Whether the ID token says when the user signed in. */
  readonly wantsAuthTime: boolean;
  /** Maximum age of the sign-in, in seconds. */
  readonly maxAgeSeconds: number | undefined;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly prompt: string | undefined;
  readonly loginHint: string | undefined;
  /** Authentication contexts that `claims` asks for. */
  readonly contexts: readonly string[];
  /** The device that waits for this sign-in, in place of a redirect URI. */
  readonly deviceCode?: string;
}

/** Permissions that a sign-in can consent to, and the app that they are for. */
export interface WantedConsent extends Permissions {
  readonly app: Registration;
}

/** `response_type` with its words in order, and the modes it may be answered by; the first one by default. */
const RESPONSE_MODES: Readonly<Record<string, readonly ResponseMode[]>> = {
  code: ["query", "fragment", "form_post"],
  "code id_token": ["fragment", "form_post"],
  id_token: ["fragment", "form_post"],
};

type CheckedTarget = Target & Pick<AuthorizeRequest, "client" | "kind">;

/** Finds the app that asks and the destination of its answer. Throws EntraError, which only the user is shown. */
export function targetOf(request: RoutedRequest, directory: Directory): CheckedTarget {
  const query = parametersOf(request);
  const client = appAt(authorityOf(request), query.get("client_id") ?? "", directory);
  const redirectUri = query.get("redirect_uri") ?? "";
  const kind = redirectKindOf(client, redirectUri);
  const responseType = responseTypeOf(query);
  const modes = RESPONSE_MODES[responseType];
  if (!modes) {
    const text = `The response_type '${responseType}' is not emulated. Emulated are: ${Object.keys(RESPONSE_MODES).join(", ")}.`;
    throw entraError(70002, "unsupported_response_type", text);
  }
  const asked = query.get("response_mode") ?? modes[0];
  const mode = modes.find((known) => known === asked);
  if (mode) return { client, kind, redirectUri, mode, state: query.get("state") };
  const text = `The response_mode '${asked}' does not fit the response_type '${responseType}', which takes ${modes.join(", ")}.`;
  throw entraError(70007, "unsupported_response_mode", text);
}

/** Reads the rest of the request. Throws EntraError, which the app is told. */
export function authorizeRequestOf(
  request: RoutedRequest,
  target: CheckedTarget,
  directory: Directory,
): AuthorizeRequest {
  const query = parametersOf(request);
  const optional = (name: string) => query.get(name) ?? undefined;
  const scope = query.get("scope") ?? "openid";
  requestedScopes(scope, target.client, directory);
  refuseWeakRequest(query, target.kind);
  const responseTypes = responseTypeOf(query).split(" ");
  const maxAge = optional("max_age");
  return {
    ...target,
    authority: authorityOf(request),
    scope,
    wantsCode: responseTypes.includes("code"),
    wantsIdToken: responseTypes.includes("id_token"),
    wantsAuthTime: maxAge !== undefined,
    maxAgeSeconds: maxAge === undefined ? undefined : Number(maxAge),
    nonce: optional("nonce"),
    codeChallenge: optional("code_challenge"),
    prompt: optional("prompt"),
    loginHint: optional("login_hint"),
    contexts: claimsRequestOf(query.get("claims")).contexts,
  };
}

/** Refuses a request without what protects it: PKCE for a page, a nonce for an ID token that passes the browser. */
function refuseWeakRequest(query: URLSearchParams, kind: RedirectKind): void {
  const hasCode = responseTypeOf(query).includes("code");
  if (kind === "spa" && hasCode && !query.get("code_challenge")) {
    const text = "Proof Key for Code Exchange is required for cross-origin authorization code redemption.";
    throw entraError(9002325, "invalid_request", text);
  }
  if (query.has("code_challenge") && (query.get("code_challenge_method") ?? "S256") !== "S256") {
    throw entraError(50148, "invalid_request", "code_challenge_method has to be S256.");
  }
  if (responseTypeOf(query).includes("id_token") && !query.get("nonce")) {
    throw entraError(900144, "invalid_request", "The request must contain the parameter 'nonce'.");
  }
  if (!/^\d+$/.test(query.get("max_age") ?? "0")) {
    throw entraError(9002012, "invalid_request", "The parameter 'max_age' must be a number of seconds.");
  }
}

/**
 * Returns the permissions that the user has to consent to at this sign-in: those that the client asks for, and the API's
 * own, when it knows the client and the client asks for its `.default`
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#default-and-combined-consent).
 */
export function wantedConsents(
  { client, scope, prompt }: Pick<AuthorizeRequest, "client" | "scope" | "prompt">,
  account: Account,
  directory: Directory,
): readonly WantedConsent[] {
  const scopes = requestedScopes(scope, client, directory);
  const { resource, isDefault } = scopes;
  const wanted: WantedConsent[] = [
    { app: client, resource, names: missingPermissions(scopes, client, account, directory) },
  ];
  if (resource && isDefault && resource.knownClientApplications?.includes(client.clientId)) {
    const ofApi = { app: resource, names: graphPermissionsOf(resource) };
    if (prompt === "consent" || missingPermissions(ofApi, resource, account, directory).length > 0) wanted.push(ofApi);
  }
  const missing = wanted.filter(({ names }) => names.length > 0);
  return prompt === "consent" ? [{ app: client, names: graphPermissionsOf(client) }, ...missing] : missing;
}

/** Returns the tenant that issues the tokens: at an authority for several tenants, the user's own. */
export function tenantOf({ authority }: AuthorizeRequest, account: Account, directory: Directory): string {
  return isForSeveralTenants(authority) ? directory.homeTenantOf(account) : authority.tenant;
}

/** Returns the parameters, from the query or from the body of a POST (OpenID Connect Core, 3.1.2.1). */
export function parametersOf({ method, url, form }: RoutedRequest): URLSearchParams {
  return method === "POST" ? form : url.searchParams;
}

function responseTypeOf(query: URLSearchParams): string {
  return (query.get("response_type") ?? "").split(" ").sort().join(" ");
}
