import { graphPermissionsOf } from "../directory/consents.ts";
import { type Account, AUTHORITY_ORIGIN, type Directory, type Registration } from "../directory/directory.ts";
import { redirectPlatformOf } from "../directory/registration.ts";
import type { RoutedRequest } from "../http/router.ts";
import { type Authority, authorityOf, refusalOfApp } from "./authority.ts";
import type { ResponseMode, Target } from "./authorization-response.ts";
import { claimsRequestOf } from "./claims-request.ts";
import { entraError } from "./errors.ts";
import { requestedScopes } from "./requested-scopes.ts";

/** What `authorize` was asked, checked; kept while the user picks an account. */
export interface AuthorizeRequest extends Target {
  readonly client: Registration;
  readonly authority: Authority;
  readonly scope: string;
  readonly wantsCode: boolean;
  readonly wantsIdToken: boolean;
  readonly nonce: string | undefined;
  readonly codeChallenge: string | undefined;
  readonly prompt: string | undefined;
  readonly loginHint: string | undefined;
  /** Authentication contexts that `claims` asks for. */
  readonly contexts: readonly string[];
}

/** Permissions of an app that a sign-in can consent to. */
export interface WantedConsent {
  readonly app: Registration;
  readonly permissions: readonly string[];
}

/** `response_type` with its words in order, and the modes it may be answered by; the first one by default. */
const RESPONSE_MODES: Readonly<Record<string, readonly ResponseMode[]>> = {
  code: ["query", "fragment", "form_post"],
  "code id_token": ["fragment", "form_post"],
  id_token: ["fragment", "form_post"],
};
const EASY_AUTH_PATH = "/.auth/login/aad/callback";

/** Which app asks, and where its answer may go. Throws EntraError: without both, nobody is told but the user. */
export function targetOf(request: RoutedRequest, directory: Directory): Target & { readonly client: Registration } {
  const query = request.url.searchParams;
  const client = directory.registrationById(query.get("client_id") ?? "");
  const refusal = refusalOfApp(client, authorityOf(request));
  if (!client || refusal) throw refusal ?? entraError(700016, "unauthorized_client", "No such application.");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (redirectPlatformOf(client, redirectUri) === undefined) {
    throw entraError(50011, "invalid_request", "The redirect URI is not registered for the application.");
  }
  const responseType = responseTypeOf(query);
  const modes = RESPONSE_MODES[responseType];
  if (!modes) {
    throw entraError(70002, "unsupported_response_type", "This emulator knows code, id_token and code id_token.");
  }
  const mode = modes.find((known) => known === (query.get("response_mode") ?? modes[0]));
  if (!mode) throw entraError(70007, "unsupported_response_mode", "The response_mode does not fit the response_type.");
  return { client, redirectUri, mode, state: query.get("state") };
}

/** The rest of what is asked. Throws EntraError, which the app is told. */
export function authorizeRequestOf(
  request: RoutedRequest,
  target: ReturnType<typeof targetOf>,
  directory: Directory,
): AuthorizeRequest {
  const query = request.url.searchParams;
  const optional = (name: string) => query.get(name) ?? undefined;
  const scope = query.get("scope") ?? "openid";
  requestedScopes(scope, target.client, directory);
  if ((query.get("code_challenge_method") ?? "S256") !== "S256") {
    throw entraError(50148, "invalid_request", "code_challenge_method has to be S256.");
  }
  const responseTypes = responseTypeOf(query).split(" ");
  const wantsIdToken = responseTypes.includes("id_token");
  if (wantsIdToken && !query.has("nonce")) {
    throw entraError(900144, "invalid_request", "The request must hold a nonce.");
  }
  return {
    ...target,
    authority: authorityOf(request),
    scope,
    wantsCode: responseTypes.includes("code"),
    wantsIdToken,
    nonce: optional("nonce"),
    codeChallenge: optional("code_challenge"),
    prompt: optional("prompt"),
    loginHint: optional("login_hint"),
    contexts: claimsRequestOf(query.get("claims")).contexts,
  };
}

/**
 * What the user has to consent to at this sign-in: permissions of Graph that the client asks for, and those of the API, when
 * it knows the client and `.default` of it is asked for
 * (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-on-behalf-of-flow#default-and-combined-consent).
 */
export function wantedConsents(
  { client, scope, prompt }: Pick<AuthorizeRequest, "client" | "scope" | "prompt">,
  account: Account,
  directory: Directory,
): readonly WantedConsent[] {
  const { resource, names, isDefault } = requestedScopes(scope, client, directory);
  const wanted: WantedConsent[] = resource ? [] : [{ app: client, permissions: names }];
  if (resource && isDefault && resource.knownClientApplications?.includes(client.clientId)) {
    wanted.push({ app: resource, permissions: graphPermissionsOf(resource) });
  }
  const missing = wanted.filter(
    ({ app, permissions }) => !directory.consents.has(app, { names: permissions }, account),
  );
  return prompt === "consent" ? [{ app: client, permissions: graphPermissionsOf(client) }, ...wanted] : missing;
}

/** At an authority for several tenants, a user's tokens are those of their own. */
export function tenantOf({ authority }: AuthorizeRequest, account: Account, directory: Directory): string {
  return authority.tenant === "organizations" || authority.tenant === "common"
    ? directory.homeTenantOf(account)
    : authority.tenant;
}

/** Easy Auth asks by Entra's own name, only its browser comes here. Another app knows the address that the browser asked. */
export function idTokenOrigin({ redirectUri, authority }: AuthorizeRequest): string {
  return new URL(redirectUri).pathname === EASY_AUTH_PATH ? AUTHORITY_ORIGIN : authority.origin;
}

function responseTypeOf(query: URLSearchParams): string {
  return (query.get("response_type") ?? "").split(" ").sort().join(" ");
}
