import http from "node:http";
import { faultRoutes } from "../control/fault-routes.ts";
import { GRAPH_HOSTS } from "../directory/clouds.ts";
import type { Directory } from "../directory/directory.ts";
import type { SigningKeys } from "../entra/keys.ts";
import { Faults } from "../faults/faults.ts";
import { type LoopbackServer, listenOnLoopback } from "../http/loopback-server.ts";
import { createRouter, type Exchanged, type RouteHandler } from "../http/router.ts";
import { type AccountHandler, withAccount } from "./access.ts";
import { graphError } from "./errors.ts";
import { photoBytes, photoList, photoMetadata } from "./photo.ts";
import { profile, profileOf } from "./profile.ts";

export interface GraphOptions {
  readonly directory: Directory;
  /** Entra's: Graph takes only tokens signed by it. */
  readonly keys: SigningKeys;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Default: none. */
  readonly faults?: Faults;
  readonly onExchange?: (exchanged: Exchanged) => void;
  /** Told of the server before it listens. */
  readonly onServer?: (server: http.Server) => void;
}

const ROUTES: Readonly<Record<string, AccountHandler>> = {
  "GET /v1.0/me": profile,
  "GET /v1.0/users/:user": profileOf,
  "GET /v1.0/me/photo": photoMetadata,
  "GET /v1.0/me/photo/$value": photoBytes,
  "GET /v1.0/me/photos": photoList,
  "GET /v1.0/me/photos/:size": photoMetadata,
  "GET /v1.0/me/photos/:size/$value": photoBytes,
};

/** Starts Microsoft Graph as far as this stack needs it. Serves its own address and the names of the clouds, such as `graph.microsoft.com`. */
export function startGraph({
  directory,
  keys,
  port = 0,
  faults = new Faults(directory),
  onExchange,
  onServer,
}: GraphOptions): Promise<LoopbackServer> {
  const guarded = Object.entries(ROUTES).map(([route, handle]) => [route, withAccount({ directory, keys }, handle)]);
  const routes: Record<string, RouteHandler> = { ...Object.fromEntries(guarded), ...faultRoutes(faults) };
  const notFound: RouteHandler = (request) =>
    graphError(request, 404, "Request_ResourceNotFound", "The emulator has no such resource.");
  const intercept = faults.intercept("graph");
  const server = http.createServer(
    createRouter({ routes, notFound, intercept, ...(onExchange !== undefined && { onExchange }) }),
  );
  onServer?.(server);
  return listenOnLoopback(server, port, GRAPH_HOSTS);
}
