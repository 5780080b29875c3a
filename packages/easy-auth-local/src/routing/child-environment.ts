import { pathToFileURL } from "node:url";
import { packageFile } from "../package-file.ts";
import { withoutProxy } from "./proxies.ts";

/** Addresses of a running stack, as other processes need them. */
export interface StackAddresses {
  readonly entraUrl: string;
  readonly graphUrl: string;
  /** Addresses on this machine by the origin that stands for them, for other APIs. */
  readonly services?: Readonly<Record<string, string>>;
  /** Path of the file with the certificate of the https listeners, in PEM. */
  readonly certificateFile?: string | undefined;
}

/**
 * Returns the variables by which a Node process reaches the emulators: it loads the routing, trusts the certificate, and
 * asks no proxy for loopback addresses. `environment` is the process's own; its `NODE_OPTIONS` and `NO_PROXY` are kept.
 */
export function routingEnvironment(
  { entraUrl, graphUrl, services = {}, certificateFile }: StackAddresses,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const preload = pathToFileURL(packageFile("dist/preload.js")).href;
  const others = (environment.NODE_OPTIONS ?? "").replaceAll(`--import ${preload}`, "").trim();
  return {
    NODE_OPTIONS: `${others} --import ${preload}`.trim(),
    EMULATED_ENTRA_URL: entraUrl,
    EMULATED_GRAPH_URL: graphUrl,
    ...(Object.keys(services).length > 0 && {
      EMULATED_SERVICES: Object.entries(services)
        .map(([origin, url]) => `${origin}=${url}`)
        .join(" "),
    }),
    ...(certificateFile !== undefined && { NODE_EXTRA_CA_CERTS: certificateFile }),
    ...withoutProxy(
      environment,
      Object.keys(services).map((origin) => new URL(origin).hostname),
    ),
  };
}
