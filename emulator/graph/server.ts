import http from "node:http";
import { jwtVerify } from "jose";
import { type Account, type Directory, GRAPH_ORIGIN, MICROSOFT_GRAPH, TENANT_ID } from "../directory.ts";
import { type SigningKeys, withHashedNonce } from "../entra/keys.ts";
import { faultRoutes } from "../faults/admin-routes.ts";
import { Faults } from "../faults/faults.ts";
import { type LoopbackServer, listenOnLoopback } from "../loopback-server.ts";
import { createRouter, type Exchanged, json, type Reply, type RoutedRequest, type RouteHandler } from "../router.ts";
import { graphError, requestIds } from "./errors.ts";

export interface GraphOptions {
  readonly directory: Directory;
  /** Entra's: Graph takes only tokens signed by it. */
  readonly keys: SigningKeys;
  /** Default 0: a free one. */
  readonly port?: number;
  readonly now?: () => number;
  /** Default: none. */
  readonly faults?: Faults;
  readonly onExchange?: (exchanged: Exchanged) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

/** What `/me` answers without `$select`: https://learn.microsoft.com/graph/api/user-get#response */
const DEFAULT_PROPERTIES = [
  ...["businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation"],
  ...["preferredLanguage", "surname", "userPrincipalName", "id"],
];
const OTHER_PROPERTIES = ["accountEnabled", "city", "companyName", "country", "department", "employeeId", "userType"];

/** Starts Microsoft Graph as far as this stack needs it. Serves its own address and the name `graph.microsoft.com`. */
export function startGraph({
  directory,
  keys,
  port = 0,
  now = Date.now,
  faults = new Faults(directory),
  onExchange,
  onServer,
}: GraphOptions): Promise<LoopbackServer> {
  const routes: Record<string, RouteHandler> = {
    "GET /v1.0/me": withAccount({ directory, keys, now }, (request, account) => me(request, account)),
    ...faultRoutes(faults),
  };
  const notFound: RouteHandler = (request) =>
    graphError(request, 404, "Request_ResourceNotFound", "The emulator has no such resource.");
  const intercept = faults.intercept("graph");
  const server = http.createServer(
    createRouter({ routes, notFound, intercept, ...(onExchange !== undefined && { onExchange }) }),
  );
  onServer?.(server);
  return listenOnLoopback(server, port, [new URL(GRAPH_ORIGIN).host]);
}

type AccountHandler = (request: RoutedRequest, account: Account) => Reply;
type Gate = Pick<GraphOptions, "directory" | "keys"> & { readonly now: () => number };

/** Lets a request through only with a delegated token for Graph that holds User.Read. */
function withAccount({ directory, keys, now }: Gate, handle: AccountHandler): RouteHandler {
  return async (request) => {
    const graphToken = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const signed = graphToken && withHashedNonce(graphToken);
    const options = { audience: [GRAPH_ORIGIN, MICROSOFT_GRAPH], algorithms: ["RS256"], currentDate: new Date(now()) };
    const verified = signed
      ? await jwtVerify(signed, keys.verificationKeys, options).catch(() => undefined)
      : undefined;
    const account = directory.accountById(String(verified?.payload.oid));
    if (!verified || !account) return unauthorized(request);
    if (!String(verified.payload.scp).split(" ").includes("User.Read")) {
      return graphError(
        request,
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
      );
    }
    return handle(request, account);
  };
}

function me(request: RoutedRequest, { objectId, profile }: Account): Reply {
  const known: Readonly<Record<string, unknown>> = { ...profile, id: objectId };
  const select = request.url.searchParams.get("$select")?.split(",");
  const unknown = select?.find((name) => !DEFAULT_PROPERTIES.includes(name) && !OTHER_PROPERTIES.includes(name));
  if (unknown !== undefined) {
    const text = `Parsing OData Select and Expand failed: Could not find a property named '${unknown}' on type 'microsoft.graph.user'.`;
    return graphError(request, 400, "Request_BadRequest", text);
  }
  const entity = select ? `users(${select.join(",")})` : "users";
  const properties = (select ?? DEFAULT_PROPERTIES).map((name) => [name, known[name] ?? null]);
  const body = {
    "@odata.context": `${GRAPH_ORIGIN}/v1.0/$metadata#${entity}/$entity`,
    ...Object.fromEntries(properties),
  };
  return json(200, body, requestIds(request));
}

function unauthorized(request: RoutedRequest): Reply {
  const reply = graphError(request, 401, "InvalidAuthenticationToken", "Access token validation failure.");
  const authorizationUri = `https://login.microsoftonline.com/${TENANT_ID}/oauth2/authorize`;
  const challenge = `Bearer realm="", authorization_uri="${authorizationUri}", client_id="${MICROSOFT_GRAPH}"`;
  return { ...reply, headers: { ...reply.headers, "www-authenticate": challenge } };
}
