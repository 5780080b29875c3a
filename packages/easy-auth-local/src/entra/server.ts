import type http from "node:http";
import { AUTHORITY_HOSTS } from "../directory/clouds.ts";
import type { Directory } from "../directory/directory.ts";
import { Faults } from "../faults/faults.ts";
import type { ServiceOptions } from "../faults/service-options.ts";
import { userinfoRoutes } from "../graph/userinfo.ts";
import { type Certificate, createCertificate } from "../http/certificate.ts";
import { listenTwice, type TwiceListening } from "../http/listen-twice.ts";
import { createRouter, json, type RoutedRequest, type RouteHandler } from "../http/router.ts";
import { adminConsentRoutes } from "./admin-consent.ts";
import { tenantAt } from "./authority.ts";
import { Authorize } from "./authorize.ts";
import { BrowserSessions } from "./browser-sessions.ts";
import { DeviceCodes } from "./device-codes.ts";
import { deviceRoutes } from "./device-routes.ts";
import { discoveryRoutes, instanceDiscoveryRoutes } from "./discovery.ts";
import { correlationIdOf, errorReply } from "./errors.ts";
import { Grants } from "./grants.ts";
import { logoutRoutes } from "./logout.ts";
import { tokenRoutes } from "./token-routes.ts";
import type { TokenIssuer } from "./tokens.ts";

export interface EntraOptions extends ServiceOptions {
  readonly issuer: TokenIssuer;
  /** Listens with https too, for clients that refuse http: with this certificate, or with a new one. */
  readonly https?: boolean | Certificate;
  /** Routes besides Entra's own. */
  readonly moreRoutes?: Readonly<Record<string, RouteHandler>>;
}

/** Entra, listening. */
export type EntraServer = TwiceListening;

/**
 * Starts Microsoft Entra ID as this tenant's apps see it: discovery, keys, authorize with an account picker, consent, device
 * codes, token, logout. Serves its own address, for browsers and other processes, and the names of the clouds' authorities,
 * such as `login.microsoftonline.com`, for apps whose requests are routed here. Tokens have Entra's own issuer, whatever
 * address they were asked for at.
 */
export async function startEntra(options: EntraOptions): Promise<EntraServer> {
  const { port = 0, httpsPort = 0, onServer } = options;
  let listening: EntraServer | undefined;
  const origins = { plain: () => listening?.url ?? "", secure: () => listening?.https?.url };
  const certificate = options.https === true ? await createCertificate() : options.https || undefined;
  const names = AUTHORITY_HOSTS;
  listening = await listenTwice(createListener(options, origins), { port, httpsPort, certificate, names, onServer });
  return listening;
}

/** Origins at which browsers reach Entra. */
interface Origins {
  readonly plain: () => string;
  /** Returns the https origin; undefined without https. */
  readonly secure: () => string | undefined;
}

function createListener(options: EntraOptions, origins: Origins): http.RequestListener {
  const { directory, issuer, faults = new Faults(directory), onAnswered, moreRoutes } = options;
  const deviceCodes = new DeviceCodes();
  const grants = new Grants(directory, deviceCodes);
  const sessions = new BrowserSessions();
  const authorize = new Authorize({ directory, grants, deviceCodes, issuer, sessions });
  const ofTenants: Record<string, RouteHandler> = {
    ...discoveryRoutes(issuer.keys, origins.secure),
    ...authorize.routes,
    ...adminConsentRoutes(directory),
    ...deviceRoutes(deviceCodes, directory, origins.plain, (asked, request) => authorize.show(asked, request)),
    ...tokenRoutes(directory, issuer, grants),
    ...logoutRoutes(directory, sessions),
  };
  const routes = {
    ...instanceDiscoveryRoutes,
    ...userinfoRoutes({ directory, keys: issuer.keys }),
    ...moreRoutes,
    ...Object.fromEntries(Object.entries(ofTenants).map(([route, handle]) => [route, forTenant(handle, directory)])),
  };
  const notFound = ({ method, url }: RoutedRequest) =>
    json(404, { error: "not_found", error_description: `This Entra does not emulate ${method} ${url.pathname}.` });
  const intercept = faults.intercept("entra");
  return createRouter({ routes, notFound, intercept, ...(onAnswered !== undefined && { onAnswered }) });
}

/** Gives the handler the tenant's id in place of its name in the address. */
function forTenant(handle: RouteHandler, directory: Directory): RouteHandler {
  return (request) => {
    const name = request.params.tenant ?? "";
    const tenant = tenantAt(name, directory);
    if (tenant !== undefined) return handle({ ...request, params: { ...request.params, tenant } });
    const text = `Tenant '${name}' not found. Check to make sure you have the correct tenant ID.`;
    return errorReply({ number: 90002, error: "invalid_request", text }, correlationIdOf(request));
  };
}
