import { randomUUID } from "node:crypto";
import http from "node:http";
import { LRUCache } from "lru-cache";
import { API, AUTHORITY_ORIGIN, type Directory, type Registration, TENANT_ID } from "../directory.ts";
import { faultRoutes } from "../faults/admin-routes.ts";
import { Faults } from "../faults/faults.ts";
import { type LoopbackServer, listenOnLoopback } from "../loopback-server.ts";
import { createRouter, type Exchanged, json, type Reply, type RoutedRequest, type RouteHandler } from "../router.ts";
import { correlationIdOf, EntraError, errorReply } from "./errors.ts";
import { Grants, type SignIn } from "./grants.ts";
import { accountPicker, signedOut, signInError } from "./pages.ts";
import type { TokenIssuer } from "./tokens.ts";

export interface EntraOptions {
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly now?: () => number;
  /** Default: none. */
  readonly faults?: Faults;
  readonly onExchange?: (exchanged: Exchanged) => void;
  /** Routes besides Entra's own. */
  readonly moreRoutes?: Readonly<Record<string, RouteHandler>>;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

/** What `authorize` was asked, kept while the user picks an account. */
type Pending = Omit<SignIn, "account"> & { readonly state: string | null };

const PENDING_KEPT = 1000;
const PENDING_MS = 15 * 60_000;
const CALLBACK_PATH = "/.auth/login/aad/callback";

/**
 * Starts Microsoft Entra ID as this tenant's apps see it: discovery, keys, authorize with an account picker, token, logout.
 * Serves its own address, for browsers, and the name `login.microsoftonline.com`, for apps whose requests are routed here.
 */
export function startEntra({
  directory,
  issuer,
  port = 0,
  now = Date.now,
  faults = new Faults(directory),
  onExchange,
  moreRoutes,
  onServer,
}: EntraOptions): Promise<LoopbackServer> {
  const grants = new Grants(directory, issuer, now);
  const pending = new LRUCache<string, Pending>({ max: PENDING_KEPT, ttl: PENDING_MS, perf: { now } });
  const routes: Record<string, RouteHandler> = {
    "GET /:tenant/v2.0/.well-known/openid-configuration": ({ headers }) => json(200, discovery(originOf(headers.host))),
    "GET /:tenant/discovery/v2.0/keys": () => json(200, issuer.keys.jwks),
    "GET /:tenant/oauth2/v2.0/authorize": (request) => authorize(request, directory, pending),
    "POST /:tenant/emulator/sign-in": (request) => signIn(request, directory, pending, grants),
    "POST /:tenant/oauth2/v2.0/token": (request) => token(request, directory, grants, now()),
    "GET /:tenant/oauth2/v2.0/logout": logout,
    "GET /emulator/token": (request) => tokenForScripts(request, directory, issuer),
  };
  const onlyOurTenant = Object.fromEntries(Object.entries(routes).map(([route, handle]) => [route, forTenant(handle)]));
  const notFound = () => json(404, { error: "not_found", error_description: "The emulator has no such route." });
  const server = http.createServer(
    createRouter({
      routes: { ...onlyOurTenant, ...faultRoutes(faults), ...moreRoutes },
      notFound,
      intercept: faults.intercept("entra"),
      ...(onExchange !== undefined && { onExchange }),
    }),
  );
  onServer?.(server);
  return listenOnLoopback(server, port, [new URL(AUTHORITY_ORIGIN).host]);
}

function forTenant(handle: RouteHandler): RouteHandler {
  return (request) => {
    const { tenant } = request.params;
    if (tenant === undefined || tenant === TENANT_ID || tenant === "organizations" || tenant === "common")
      return handle(request);
    return errorReply(
      new EntraError(90002, "invalid_request", "No such tenant."),
      correlationIdOf(request),
      Date.now(),
    );
  };
}

/** An app asks by Entra's own name and gets Entra's addresses; a browser asks on loopback. */
function originOf(host = ""): string {
  const { host: authorityHost } = new URL(AUTHORITY_ORIGIN);
  return host === authorityHost ? AUTHORITY_ORIGIN : `http://${host}`;
}

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#sample-response */
function discovery(origin: string): object {
  const base = `${origin}/${TENANT_ID}`;
  return {
    issuer: `${AUTHORITY_ORIGIN}/${TENANT_ID}/v2.0`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    token_endpoint: `${base}/oauth2/v2.0/token`,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
  };
}

function authorize({ url }: RoutedRequest, directory: Directory, pending: LRUCache<string, Pending>): Reply {
  const query = url.searchParams;
  const app = directory.registrationById(query.get("client_id") ?? "");
  if (!app) return signInError(700016, "The application was not found in the tenant.");
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!isRegisteredRedirect(redirectUri))
    return signInError(50011, "The redirect URI is not registered for the application.");
  if (query.get("response_type") !== "code") return signInError(70002, "This emulator knows response_type=code only.");
  if ((query.get("code_challenge_method") ?? "S256") !== "S256")
    return signInError(50148, "code_challenge_method has to be S256.");
  const ticket = randomUUID();
  pending.set(ticket, {
    clientId: app.clientId,
    redirectUri,
    scope: query.get("scope") ?? "openid",
    state: query.get("state"),
    nonce: query.get("nonce") ?? undefined,
    codeChallenge: query.get("code_challenge") ?? undefined,
  });
  return accountPicker(directory.accounts, app, `/${TENANT_ID}/emulator/sign-in`, ticket);
}

/** Registered for every app: Easy Auth's callback on this machine. Entra ignores the port of a localhost redirect URI. */
function isRegisteredRedirect(redirectUri: string): boolean {
  if (!URL.canParse(redirectUri)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(redirectUri);
  return protocol === "http:" && hostname === "localhost" && pathname === CALLBACK_PATH && search === "" && hash === "";
}

function signIn(
  { form }: RoutedRequest,
  directory: Directory,
  pending: LRUCache<string, Pending>,
  grants: Grants,
): Reply {
  const ticket = form.get("ticket") ?? "";
  const asked = pending.get(ticket);
  const account = directory.accountByKey(form.get("account") ?? "");
  if (!asked || !account)
    return signInError(50020, "The sign-in took too long, or the account does not exist. Start again.");
  pending.delete(ticket);
  const { state, ...request } = asked;
  const target = new URL(request.redirectUri);
  target.searchParams.set("code", grants.issueCode({ ...request, account }));
  if (state !== null) target.searchParams.set("state", state);
  return { status: 302, headers: { location: target.href, "cache-control": "no-store" } };
}

async function token(request: RoutedRequest, directory: Directory, grants: Grants, now: number): Promise<Reply> {
  try {
    const client = authenticate(request, directory);
    return json(200, await grants.redeem(client, request.form), { "x-ms-request-id": randomUUID() });
  } catch (error) {
    if (error instanceof EntraError) return errorReply(error, correlationIdOf(request), now);
    throw error;
  }
}

/** client_secret_post or client_secret_basic (RFC 6749, 2.3.1). */
function authenticate({ headers, form }: RoutedRequest, directory: Directory): Registration {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? "")?.[1];
  const [basicId, basicSecret] = basic ? Buffer.from(basic, "base64").toString().split(":").map(formDecoded) : [];
  const client = directory.registrationById(basicId ?? form.get("client_id") ?? "");
  if (!client) throw new EntraError(700016, "unauthorized_client", "The application was not found in the tenant.");
  const secret = basicSecret ?? form.get("client_secret");
  if (!secret)
    throw new EntraError(7000218, "invalid_client", "The request must hold client_assertion or client_secret.");
  if (secret !== client.clientSecret)
    throw new EntraError(7000215, "invalid_client", "Invalid client secret provided.");
  return client;
}

function logout({ url }: RoutedRequest): Reply {
  const target = url.searchParams.get("post_logout_redirect_uri") ?? "";
  const isLocal =
    URL.canParse(target) && new URL(target).protocol === "http:" && new URL(target).hostname === "localhost";
  return isLocal ? { status: 302, headers: { location: target } } : signedOut();
}

/** An access token as the frontend's sign-in would hold it. For scripts on this machine: no page of another origin can read it. */
async function tokenForScripts({ url }: RoutedRequest, directory: Directory, issuer: TokenIssuer): Promise<Reply> {
  const account = directory.accountByKey(url.searchParams.get("account") ?? "works");
  if (!account) return json(404, { accounts: directory.accounts.map(({ key }) => key) });
  return json(200, { access_token: await issuer.apiToken({ account, audience: API, scope: "user_impersonation" }) });
}

/** Client id and secret are form-encoded before they are joined (RFC 6749, 2.3.1). */
function formDecoded(value: string): string {
  return new URLSearchParams(`v=${value.replaceAll("&", "%26")}`).get("v") ?? "";
}
