import type { IncomingMessage } from "node:http";

/**
 * Headers that may have the host that the browser asked for, the best first: that of a reverse proxy in front; that of
 * App Service's front end, which may replace `Host` (https://github.com/Azure/azure-functions-host/pull/2833); the
 * request's own. A client that makes one up changes its own answer only.
 */
const HOST_HEADERS = ["x-forwarded-host", "disguised-host", "host"];

/**
 * Returns the hosts, with their ports, that the browser may see this server under; only those that are safe to repeat in
 * a header.
 */
export function publicHosts({ headers }: IncomingMessage): readonly string[] {
  const hosts = HOST_HEADERS.map((name) => firstOf(headers[name]) ?? "");
  return [...new Set(hosts.filter((host) => /^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/i.test(host)))];
}

/** Whether the browser used https: App Service ends TLS and names the scheme. */
export function isPublicHttps({ headers }: IncomingMessage): boolean {
  return firstOf(headers["x-forwarded-proto"]) === "https";
}

/** Returns the first value: each proxy on the way adds its own at the end. */
function firstOf(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0]?.split(",")[0]?.trim();
}
