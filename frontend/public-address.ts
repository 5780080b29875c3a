import type { IncomingMessage } from "node:http";

/**
 * Who may know the host that the browser asked for, the first one best: a reverse proxy in front; App Service's front end,
 * which on the way may replace `Host` (https://github.com/Azure/azure-functions-host/pull/2833); the request itself.
 * A client that makes one up changes its own answer only.
 */
const HOST_HEADERS = ["x-forwarded-host", "disguised-host", "host"];

/** The hosts, with their ports, that the browser may see this server under; only what is safe to repeat in a header. */
export function publicHosts({ headers }: IncomingMessage): readonly string[] {
  const hosts = HOST_HEADERS.map((name) => firstOf(headers[name]) ?? "");
  return [...new Set(hosts.filter((host) => /^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/i.test(host)))];
}

/** App Service ends TLS and tells the scheme that the browser used. */
export function isPublicHttps({ headers }: IncomingMessage): boolean {
  return firstOf(headers["x-forwarded-proto"]) === "https";
}

/** Each proxy on the way adds its value at the end. */
function firstOf(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0]?.split(",")[0]?.trim();
}
