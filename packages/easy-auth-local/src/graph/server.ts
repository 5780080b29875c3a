import type http from "node:http";
import { faultRoutes } from "../control/fault-routes.ts";
import { GRAPH_HOSTS } from "../directory/clouds.ts";
import { isPermitted } from "../entra/graph-permissions.ts";
import type { SigningKeys } from "../entra/keys.ts";
import { Faults } from "../faults/faults.ts";
import type { ServiceOptions } from "../faults/service-options.ts";
import type { Certificate } from "../http/certificate.ts";
import { forAnyOrigin } from "../http/cross-origin.ts";
import { listenTwice, type TwiceListening } from "../http/listen-twice.ts";
import { createDispatch, createRouter, type RouteHandler } from "../http/router.ts";
import { type AccessParts, withAccount, withPrincipal } from "./access.ts";
import { createBatch } from "./batch.ts";
import { Drive } from "./drive.ts";
import { forbidden, notEmulated, resourceNotFound } from "./errors.ts";
import { listMemberships } from "./groups.ts";
import { photoBytes, photoList, photoMetadata } from "./photo.ts";
import { userinfoRoutes } from "./userinfo.ts";
import { listDirectReports, listUsers, showManager, showUser, type UserHandler, userIn } from "./users.ts";

export interface GraphOptions extends ServiceOptions {
  /** Entra's: Graph takes only tokens signed by it. */
  readonly keys: SigningKeys;
  /** Listens with https too, with this certificate: for clients that refuse http. Default: http alone. */
  readonly certificate?: Certificate | undefined;
}

/** A route of one user, below `/me` and `/users/{id}`, with the permissions that reach it: their own, and others'. */
type UserRoute = readonly [path: string, handle: UserHandler, ofSelf: readonly string[], ofOthers: readonly string[]];

const READ = ["User.Read", "ProfilePhoto.Read.All"];
const READ_OTHERS = ["User.ReadBasic.All", "ProfilePhoto.Read.All"];
const MEMBERSHIPS = [
  ["User.Read", "GroupMember.Read.All"],
  ["User.Read.All", "GroupMember.Read.All"],
] as const;

/** Permissions as the reference pages name them, such as https://learn.microsoft.com/graph/api/user-list-manager#permissions */
const USER_ROUTES: readonly UserRoute[] = [
  ["", showUser, ["User.Read"], ["User.ReadBasic.All"]],
  ["/manager", showManager, ["User.Read.All"], ["User.Read.All"]],
  ["/directReports", listDirectReports, ["User.Read.All"], ["User.Read.All"]],
  ["/memberOf", listMemberships, ...MEMBERSHIPS],
  ["/memberOf/microsoft.graph.group", listMemberships, ...MEMBERSHIPS],
  ["/transitiveMemberOf", listMemberships, ...MEMBERSHIPS],
  ["/transitiveMemberOf/microsoft.graph.group", listMemberships, ...MEMBERSHIPS],
  ["/photo", photoMetadata, READ, READ_OTHERS],
  ["/photo/$value", photoBytes, READ, READ_OTHERS],
  ["/photos", photoList, READ, READ_OTHERS],
  ["/photos/:size", photoMetadata, READ, READ_OTHERS],
  ["/photos/:size/$value", photoBytes, READ, READ_OTHERS],
];

/** Microsoft Graph, listening. */
export type GraphServer = TwiceListening;

/**
 * Starts the part of Microsoft Graph that apps use first: users, photos, memberships, a drive's addresses, batches.
 * Serves its own address and the names of the clouds, such as `graph.microsoft.com`. The rest of Graph is answered 501.
 */
export async function startGraph(options: GraphOptions): Promise<GraphServer> {
  const { directory, keys, port = 0, httpsPort = 0, certificate, onAnswered, onServer } = options;
  const { faults = new Faults(directory) } = options;
  let otherOrigin = "";
  const drive = new Drive(() => otherOrigin);
  const parts = { directory, keys };
  const ofGraph = { ...userRoutes(parts), ...drive.routesFor(parts), ...userinfoRoutes(parts) };
  const batch = createBatch(createDispatch(ofGraph, (request) => notEmulated(request)));
  const routes = { ...forAnyOrigin({ ...ofGraph, "POST /v1.0/$batch": batch }), ...faultRoutes(faults) };
  const notFound: RouteHandler = (request) => notEmulated(request);
  const intercept = faults.intercept("graph");
  const route = createRouter({ routes, notFound, intercept, ...(onAnswered !== undefined && { onAnswered }) });
  const listener: http.RequestListener = (request, response) => {
    if (!drive.takeUpload(request, response)) route(request, response);
  };
  const listening = await listenTwice(listener, { port, httpsPort, certificate, names: GRAPH_HOSTS, onServer });
  // To a client, another name is another host.
  otherOrigin = listening.url.replace("localhost", "127.0.0.1");
  return listening;
}

function userRoutes(parts: AccessParts): Readonly<Record<string, RouteHandler>> {
  const { directory } = parts;
  const ofUsers = USER_ROUTES.flatMap(([path, handle, ofSelf, ofOthers]): [string, RouteHandler][] => [
    [
      `GET /v1.0/me${path}`,
      withAccount(parts, (request, user, principal) => handle(request, user, principal, directory), ofSelf),
    ],
    [`GET /v1.0/users/:user${path}`, withUser(parts, handle, ofSelf, ofOthers)],
  ]);
  const list = withPrincipal(parts, (request, principal) => listUsers(request, principal, directory), [
    "User.ReadBasic.All",
  ]);
  return { ...Object.fromEntries(ofUsers), "GET /v1.0/users": list };
}

/** Makes a route of any user. Without a permission to read others the answer is 403, whether the user exists or not. */
function withUser(
  parts: AccessParts,
  handle: UserHandler,
  ofSelf: readonly string[],
  ofOthers: readonly string[],
): RouteHandler {
  return (request) => {
    const id = request.params.user ?? "";
    const user = userIn(parts.directory, id);
    const answer = withPrincipal(
      parts,
      (_, principal) => {
        if (user !== principal.account && !isPermitted(principal.permissions, ofOthers)) return forbidden(request);
        return user ? handle(request, user, principal, parts.directory) : resourceNotFound(request, id);
      },
      [...ofSelf, ...ofOthers],
    );
    return answer(request);
  };
}
