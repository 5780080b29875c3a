import { randomUUID } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { AUTHORITY_HOSTS } from "../directory/clouds.ts";
import type { Directory } from "../directory/directory.ts";
import { Faults } from "../faults/faults.ts";
import { createCertificate } from "../http/certificate.ts";
import { type LoopbackServer, listenOnLoopback } from "../http/loopback-server.ts";
import {
  createRouter,
  type Exchanged,
  json,
  type Reply,
  type RoutedRequest,
  type RouteHandler,
} from "../http/router.ts";
import { adminConsentRoutes } from "./admin-consent.ts";
import { authorityOf, isTenant } from "./authority.ts";
import { Authorize } from "./authorize.ts";
import { BrowserSessions } from "./browser-sessions.ts";
import { authenticateClient } from "./client-authentication.ts";
import { openidConfiguration } from "./discovery.ts";
import { correlationIdOf, EntraError, errorReply } from "./errors.ts";
import { Grants } from "./grants.ts";
import { notice } from "./sign-in-pages.ts";
import type { TokenIssuer } from "./tokens.ts";

export interface EntraOptions {
  readonly directory: Directory;
  readonly issuer: TokenIssuer;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Also listens with https, with a certificate made on the spot: for clients that refuse http. */
  readonly https?: boolean;
  /** Default 0: a free one. */
  readonly httpsPort?: number;
  /** Default: none. */
  readonly faults?: Faults;
  readonly onExchange?: (exchanged: Exchanged) => void;
  /** Routes besides Entra's own. */
  readonly moreRoutes?: Readonly<Record<string, RouteHandler>>;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

/** Entra, listening. */
export interface EntraServer extends LoopbackServer {
  /** Where it listens with https, and the certificate to trust there, in PEM. */
  readonly https: { readonly url: string; readonly certificate: string } | undefined;
}

/**
 * Starts Microsoft Entra ID as this tenant's apps see it: discovery, keys, authorize with an account picker, consent, token,
 * logout. Serves its own address, for browsers and other processes, and the names of the clouds' authorities, such as
 * `login.microsoftonline.com`, for apps whose requests are routed here. Tokens name the authority that they were asked of as
 * their issuer.
 */
export async function startEntra(options: EntraOptions): Promise<EntraServer> {
  const { port = 0, httpsPort = 0 } = options;
  const listener = createListener(options);
  const names = AUTHORITY_HOSTS;
  const certificate = options.https ? await createCertificate() : undefined;
  const plainServer = http.createServer(listener);
  options.onServer?.(plainServer);
  const plain = await listenOnLoopback(plainServer, port, names);
  if (!certificate) return { ...plain, https: undefined };
  try {
    const secureServer = https.createServer(certificate, listener);
    options.onServer?.(secureServer);
    const secure = await listenOnLoopback(secureServer, httpsPort, names);
    const close = async () => void (await Promise.all([plain.close(), secure.close()]));
    return { url: plain.url, https: { url: secure.url, certificate: certificate.cert }, close };
  } catch (error) {
    await plain.close();
    throw error;
  }
}

function createListener(options: EntraOptions): http.RequestListener {
  const { directory, issuer, faults = new Faults(directory), onExchange, moreRoutes } = options;
  const grants = new Grants(directory);
  const sessions = new BrowserSessions();
  const ofTenants: Record<string, RouteHandler> = {
    "GET /:tenant/v2.0/.well-known/openid-configuration": (request) =>
      json(200, openidConfiguration(authorityOf(request))),
    "GET /:tenant/discovery/v2.0/keys": () => json(200, issuer.keys.jwks),
    ...new Authorize({ directory, grants, issuer, sessions }).routes,
    ...adminConsentRoutes(directory),
    "POST /:tenant/oauth2/v2.0/token": (request) => redeem(request, options, grants),
    "GET /:tenant/oauth2/v2.0/logout": (request) => logout(request, sessions.end(request)),
  };
  const routes = {
    ...moreRoutes,
    ...Object.fromEntries(Object.entries(ofTenants).map(([route, handle]) => [route, forTenant(handle)])),
  };
  const notFound = () => json(404, { error: "not_found", error_description: "The emulator has no such route." });
  const intercept = faults.intercept("entra");
  return createRouter({ routes, notFound, intercept, ...(onExchange !== undefined && { onExchange }) });
}

function forTenant(handle: RouteHandler): RouteHandler {
  return (request) => {
    if (isTenant(request.params.tenant ?? "")) return handle(request);
    const refusal = { number: 90002, error: "invalid_request", text: "No such tenant." };
    return errorReply(refusal, correlationIdOf(request));
  };
}

async function redeem(request: RoutedRequest, { directory, issuer }: EntraOptions, grants: Grants): Promise<Reply> {
  try {
    const client = await authenticateClient(request, directory, issuer.keys.verificationKeys);
    const answer = await grants.redeem({ client, form: request.form, authority: authorityOf(request), issuer });
    return json(200, answer, { "x-ms-request-id": randomUUID() });
  } catch (error) {
    if (error instanceof EntraError) return errorReply(error.refusal, correlationIdOf(request));
    throw error;
  }
}

/** Back to the app, when it is on this machine, with a cookie that says that nobody is signed in. */
function logout({ url }: RoutedRequest, cookie: string): Reply {
  const target = url.searchParams.get("post_logout_redirect_uri") ?? "";
  const isLocal = URL.canParse(target) && /^https?:$/.test(new URL(target).protocol);
  if (isLocal && new URL(target).hostname === "localhost") {
    return { status: 302, headers: { location: target, "set-cookie": cookie } };
  }
  const reply = notice("You are signed out", "It is a good idea to close all browser windows.");
  return { ...reply, headers: { ...reply.headers, "set-cookie": cookie } };
}
