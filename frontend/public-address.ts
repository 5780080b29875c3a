import type { IncomingMessage } from "node:http";

/** The host, with its port, that the browser sees this server under; undefined when the request names none that is safe to repeat. */
export function publicHost({ headers }: IncomingMessage): string | undefined {
  // A reverse proxy in front tells the name it was asked for. Whoever makes it up changes their own answer only.
  const host = firstOf(headers["x-forwarded-host"]) ?? headers.host ?? "";
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/i.test(host) ? host : undefined;
}

/** App Service ends TLS and tells the scheme that the browser used. */
export function isPublicHttps({ headers }: IncomingMessage): boolean {
  return firstOf(headers["x-forwarded-proto"]) === "https";
}

/** Each proxy on the way adds its value at the end. */
function firstOf(header: string | string[] | undefined): string | undefined {
  return [header].flat()[0]?.split(",")[0]?.trim();
}
