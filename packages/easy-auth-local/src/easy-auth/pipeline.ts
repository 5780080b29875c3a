import type http from "node:http";
import type { Reply } from "../http/router.ts";
import type { GateRequest } from "./auth-route.ts";
import { AuthRoutes } from "./auth-routes.ts";
import type { AuthSettings, UnauthenticatedClientAction } from "./auth-settings.ts";
import { createAuthentication } from "./authentication.ts";
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
export type Pipeline = (message: http.IncomingMessage) => Promise<Reply | undefined>;

/** Makes what happens to each request, in Easy Auth's order. */
export function createPipeline(
  options: GateOptions,
  ownUrl: () => string,
  onError: (step: string, error: unknown) => void,
): Pipeline {
  const { settings, appSettings = {}, cors } = options;
  if (settings.platform?.enabled === false) return async () => undefined;
  const switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const sessions = new Sessions(settings.login);
  const checkToken = createTokenCheck(settings, switches);
  const signIn = signInClientFor(options, switches);
  const routes = new AuthRoutes({ settings, switches, sessions, checkToken, signIn, onError });
  const policy = createAuthorizationPolicy(settings, appSettings, switches);
  const authenticate = createAuthentication({ settings, switches, sessions, checkToken, policy });
  const refuse = createRefusal(settings, switches, ownUrl, signIn && routes);
  const redirectUrls = settings.login.allowedExternalRedirectUrls ?? [];

  return async (message) => {
    const site = siteOf(message.headers, ownUrl(), settings.httpSettings?.forwardProxy);
    stripHopByHopHeaders(message.headers);
    stripReservedHeaders(message.headers);
    if (!message.url?.startsWith("/")) return { status: 400 };
    const url = new URL(ownUrl() + message.url);
    // What is judged here is what the app gets: dot segments resolved, without a fragment.
    message.url = url.pathname + url.search;
    const preflight = cors && preflightReply(message, cors);
    if (preflight) return preflight;
    const request: GateRequest = { message, url, site };
    if (routes.owns(url.pathname)) return routes.answer(request);

    const excluded = isExcluded(url.pathname, settings, switches);
    if (excluded && switches.excludedPathHeaders === "none") return undefined;
    const caller = await authenticate(message);
    if (caller && "claims" in caller) {
      const corsOrigins = cors?.allowedOrigins ?? [];
      if (caller.hasCookie && isForgeable(message, site, redirectUrls, corsOrigins)) return { status: 403 };
      injectUserHeaders(message.headers, caller.claims, caller.tokens);
      return undefined;
    }
    return excluded ? undefined : refuse(request, caller?.status);
  };
}

/** The client of a gate that has a credential. Throws when the setting that should hold it is missing. */
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

/** The 58 bytes of a Windows server's 401. */
const WINDOWS_401 = "You do not have permission to view this directory or page.";

/** Makes the step that answers whoever is not let in; `status` is undefined for a caller without any credential. */
function createRefusal(settings: AuthSettings, switches: Switches, ownUrl: () => string, routes?: AuthRoutes) {
  const { requireAuthentication, unauthenticatedClientAction } = settings.globalValidation;
  const action = requireAuthentication === false ? "AllowAnonymous" : unauthenticatedClientAction;
  const passesAnyToken = switches.invalidBearerUnderAllowAnonymous === "passAnonymous";

  return async (request: GateRequest, status: 401 | 403 | undefined): Promise<Reply | undefined> => {
    const { message, url, site } = request;
    if (status === 403) return { status };
    if (action === "AllowAnonymous" && (status === undefined || passesAnyToken)) return undefined;
    const fixed = FIXED_STATUS[action];
    if (fixed !== undefined) return { status: fixed };
    if (action === "RedirectToLoginPage" && isBrowser(message.headers) && routes) {
      // Sessions belong to one host name: a browser at 127.0.0.1 is sent to localhost before it signs in.
      if (site === ownUrl() && message.headers.host !== new URL(site).host)
        return { status: 302, headers: { location: `${site}${message.url}` } };
      return routes.sendToSignIn(request, `${site}${url.pathname}${url.search}`);
    }
    return unauthorized(settings, new URL(site).host, switches);
  };
}

const FIXED_STATUS: Readonly<Partial<Record<UnauthenticatedClientAction, number>>> = { Return403: 403, Return404: 404 };

/** With the challenge as App Service writes it, spaces instead of commas included. */
function unauthorized(settings: AuthSettings, realm: string, { platform401 }: Switches): Reply {
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
