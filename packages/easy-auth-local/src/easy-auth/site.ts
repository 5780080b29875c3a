import type { IncomingHttpHeaders } from "node:http";
import type { ForwardProxy } from "./auth-settings.ts";

/**
 * Returns the origin under which the client reached the gate: its own address, or that of a proxy before it where
 * `forwardProxy` trusts the proxy's headers. The first of several values counts: it is of the proxy nearest to the browser.
 */
export function siteOf(headers: IncomingHttpHeaders, ownUrl: string, forwardProxy?: ForwardProxy): string {
  const names = headerNames(forwardProxy);
  if (!names) return ownUrl;
  const own = new URL(ownUrl);
  const host = first(headers[names.host]) ?? own.host;
  const protocol = first(headers[names.proto]) ?? own.protocol.slice(0, -1);
  const site = `${protocol}://${host}`;
  return /^https?$/.test(protocol) && URL.canParse(site) && new URL(site).host === host ? site : ownUrl;
}

function headerNames(forwardProxy: ForwardProxy | undefined): { host: string; proto: string } | undefined {
  const standard = { host: "x-forwarded-host", proto: "x-forwarded-proto" };
  if (forwardProxy?.convention === "Standard") return standard;
  if (forwardProxy?.convention !== "Custom") return undefined;
  return {
    host: forwardProxy.customHostHeaderName?.toLowerCase() ?? standard.host,
    proto: forwardProxy.customProtoHeaderName?.toLowerCase() ?? standard.proto,
  };
}

function first(value: string | string[] | undefined): string | undefined {
  return [value].flat()[0]?.split(",")[0]?.trim();
}
