import type { Reply, RouteHandler } from "./router.ts";

/** Headers that answer a browser's preflight. */
const PREFLIGHT = {
  "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
  "access-control-max-age": "86400",
};

/** Headers of Entra's and Graph's answers that scripts read. */
const EXPOSED =
  "ETag, Location, Retry-After, WWW-Authenticate, request-id, client-request-id, x-ms-request-id, Content-Range";

/**
 * Lets scripts of any origin use routes, as Entra and Graph do: what they answer depends on what is sent, never on cookies.
 * Adds the routes that answer a browser's preflight.
 */
export function forAnyOrigin(routes: Readonly<Record<string, RouteHandler>>): Readonly<Record<string, RouteHandler>> {
  const preflights = Object.keys(routes).map((route) => [route.replace(/^\S+/, "OPTIONS"), preflight] as const);
  const opened = Object.entries(routes).map(([route, handle]) => [route, opening(handle)] as const);
  return Object.fromEntries([...preflights, ...opened]);
}

const preflight: RouteHandler = ({ headers }) => ({
  status: 204,
  headers: {
    ...PREFLIGHT,
    "access-control-allow-origin": "*",
    "access-control-allow-headers": headers["access-control-request-headers"] ?? "*",
  },
});

function opening(handle: RouteHandler): RouteHandler {
  return async (request) => {
    const reply = await handle(request);
    return request.headers.origin === undefined ? reply : withAnyOrigin(reply);
  };
}

function withAnyOrigin(reply: Reply): Reply {
  const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": EXPOSED };
  return { ...reply, headers: { ...reply.headers, ...headers } };
}
