import type http from "node:http";
import type { GateReply, GateRequest } from "./auth-route.ts";
import { AuthRoutes } from "./auth-routes.ts";
import type { AuthSettings, UnauthenticatedClientAction } from "./auth-settings.ts";
import { type AuthenticationOptions, createAuthentication, type Refusal } from "./authentication.ts";
import { createAuthorizationPolicy } from "./authorization-policy.ts";
import { preflightReply } from "./cors.ts";
import { isBrowser, isForgeable } from "./cross-site.ts";
import { isExcluded } from "./excluded-path.ts";
import type { GateOptions } from "./gate-options.ts";
import { injectUserHeaders, stripHopByHopHeaders, stripReservedHeaders } from "./headers.ts";
import { authorizationUriOf } from "./issuer.ts";
import { Sessions } from "./sessions.ts";
import { createSignInClient, type SignInClient } from "./sign-in.ts";
import { siteOf } from "./site.ts";
import { DEFAULT_SWITCHES, type Switches } from "./switches.ts";
import { createTokenCheck } from "./token-check.ts";

/** Resolves to the gate's own answer, or to undefined when the request goes on to the app, its headers set. */
export type Pipeline = (message: http.IncomingMessage) => Promise<GateReply | undefined>;

/** Makes the steps that each request goes through, in Easy Auth's order. Calls `onNote` once with each note. */
export function createPipeline(
  options: GateOptions,
  ownUrl: () => string,
  onError: (step: string, error: unknown) => void,
  onNote: (text: string) => void,
): Pipeline {
  const { settings, cors, platform = "app-service", isFunctionApp = false } = options;
  if (settings.platform?.enabled === false) return async () => undefined;
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const sessions = new Sessions(settings.login);
  const checkToken = createTokenCheck(settings, switches);
  const signIn = signInClientFor(options, switches);
  const routes = new AuthRoutes({ settings, switches, platform, sessions, checkToken, signIn, onError });
  const refuse = createRefusal(settings, switches, ownUrl, signIn && routes);
  const letIn = createAdmission(options, { settings, switches, sessions, checkToken }, onNote);

  return async (message) => {
    const site = siteOf(message.headers, ownUrl(), settings.httpSettings?.forwardProxy);
    stripHopByHopHeaders(message);
    stripReservedHeaders(message.headers);
    if (!message.url?.startsWith("/")) return { status: 400 };
    const url = new URL(ownUrl() + message.url);
    // The app gets the path that is judged here: dot segments resolved, without a fragment.
    message.url = url.pathname + url.search;
    const preflight = cors && preflightReply(message, cors);
    if (preflight) return preflight;
    const request: GateRequest = { message, url, site };
    if (routes.owns(url.pathname)) return routes.answer(request);
    if (isFunctionApp && isAdminPath(url.pathname)) return undefined;

    const excluded = isExcluded(url.pathname, settings, switches);
    if (excluded && switches.excludedPathHeaders === "none") return undefined;
    const decision = await letIn(request);
    if (decision === "in") return undefined;
    if (decision && "headers" in decision) return decision;
    return excluded ? undefined : refuse(request, decision);
  };
}

/**
 * Makes the step that lets a user in and sets the headers that say who it is. Refuses a request that another site may
 * have made the user's browser send. Otherwise returns the refusal, or undefined without any credential.
 */
function createAdmission(
  { settings, appSettings = {}, cors }: GateOptions,
  parts: Omit<AuthenticationOptions, "policy">,
  onNote: (text: string) => void,
): (request: GateRequest) => Promise<"in" | Refusal | typeof FORGEABLE | undefined> {
  const policy = createAuthorizationPolicy(settings, appSettings, parts.switches);
  const authenticate = createAuthentication({ ...parts, policy });
  const noteMissingStore = settings.login.tokenStore.enabled ? () => {} : once(() => onNote(NO_TOKENS));
  const redirectUrls = settings.login.allowedExternalRedirectUrls ?? [];
  return async ({ message, site }) => {
    const authentication = await authenticate(message);
    if (!authentication || !("claims" in authentication)) return authentication;
    const { claims, tokens, hasCookie } = authentication;
    if (hasCookie && isForgeable(message, site, redirectUrls, cors?.allowedOrigins ?? [])) return FORGEABLE;
    injectUserHeaders(message.headers, claims, tokens);
    if (hasCookie) noteMissingStore();
    return "in";
  };
}

const NO_TOKENS = "login.tokenStore.enabled is false, so the app gets no X-MS-TOKEN-AAD-* header of a session.";

function once(note: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) note();
    isDone = true;
  };
}

const FORGEABLE = {
  status: 403,
  headers: {},
  reason:
    "a browser's POST with a session cookie names neither this site in Origin or Referer, nor one of " +
    "allowedExternalRedirectUrls, nor of the origins that CORS allows",
} as const satisfies GateReply;

/**
 * Path of the Functions host's admin API, which Easy Auth lets through:
 * https://github.com/Azure/azure-functions-ux/issues/499
 */
function isAdminPath(path: string): boolean {
  return /^\/admin(\/|$)/i.test(path) && !/%2f|%5c/i.test(path);
}

/** Makes the client of a gate that has a credential. Throws when the setting that should hold it is missing. */
function signInClientFor(
  { settings, appSettings, browserOrigin }: GateOptions,
  { idTokenAfterRefresh }: Switches,
): SignInClient | undefined {
  const { clientSecretSettingName: name } = settings.identityProviders.azureActiveDirectory.registration;
  if (name === undefined) return undefined;
  const clientSecret = appSettings?.[name];
  if (!clientSecret) throw new Error(`Easy Auth's client secret is missing: no app setting ${name}.`);
  const origin = browserOrigin === undefined ? {} : { browserOrigin };
  return createSignInClient({ settings, clientSecret, idTokenAfterRefresh, ...origin });
}

/** Body of a Windows server's 401, 58 bytes. */
const WINDOWS_401 = "You do not have permission to view this directory or page.";

/** Makes the step that answers a request which is not let in; `refusal` is undefined without any credential. */
function createRefusal(settings: AuthSettings, switches: Switches, ownUrl: () => string, routes?: AuthRoutes) {
  const { requireAuthentication, unauthenticatedClientAction } = settings.globalValidation;
  const action = requireAuthentication === false ? "AllowAnonymous" : unauthenticatedClientAction;
  const passesAnyToken = switches.invalidBearerUnderAllowAnonymous === "passAnonymous";

  return async (request: GateRequest, refusal: Refusal | undefined): Promise<GateReply | undefined> => {
    const { message, url, site } = request;
    if (refusal?.status === 403) return refusal;
    if (action === "AllowAnonymous" && (refusal === undefined || passesAnyToken)) return undefined;
    const reason =
      refusal?.reason ?? `there is no bearer token, nor a session (unauthenticatedClientAction: ${action})`;
    const fixed = FIXED_STATUS[action];
    if (fixed !== undefined) return { status: fixed, reason };
    if (action === "RedirectToLoginPage" && isBrowser(message.headers) && routes) {
      // Sessions belong to one host name: a browser at 127.0.0.1 is sent to localhost before it signs in.
      if (site === ownUrl() && message.headers.host !== new URL(site).host)
        return { status: 302, headers: { location: `${site}${message.url}` } };
      return routes.sendToSignIn(request, `${site}${url.pathname}${url.search}`);
    }
    return { ...unauthorized(settings, new URL(site).host, switches), reason };
  };
}

const FIXED_STATUS: Readonly<Partial<Record<UnauthenticatedClientAction, number>>> = { Return403: 403, Return404: 404 };

/** Returns the 401 with its challenge as App Service writes it, with spaces instead of commas. */
function unauthorized(settings: AuthSettings, realm: string, { platform401 }: Switches): GateReply {
  const { registration, login } = settings.identityProviders.azureActiveDirectory;
  const challenge = `Bearer realm="${realm}" authorization_uri="${authorizationUriOf(settings)}" resource_id="${registration.clientId}"`;
  const body = platform401 === "windows" ? WINDOWS_401 : "";
  return {
    status: 401,
    headers: {
      ...(login?.disableWWWAuthenticate !== true && { "www-authenticate": challenge }),
      ...(body !== "" && { "content-type": "text/html" }),
      "content-length": String(body.length),
    },
    body,
  };
}
