import http from "node:http";
import https from "node:https";
import { syncBuiltinESMExports } from "node:module";
import { urlToHttpOptions } from "node:url";

/** Addresses on this machine by the origin that they stand for. */
export type Targets = ReadonlyMap<string, string>;

type Callback = (response: http.IncomingMessage) => void;
type Send = (...args: readonly unknown[]) => http.ClientRequest;

/**
 * Routes requests by `node:http` and `node:https`, whatever agent they bring: an agent of https, or of a proxy, would not
 * reach an address on this machine. Returns a function that undoes it.
 */
export function routeNodeHttp(targets: Targets, traceParent: () => string | undefined): () => void {
  const agent = new http.Agent({ keepAlive: true });
  const restore = [
    routeModule(http, "http:", { targets, traceParent, agent }),
    routeModule(https, "https:", { targets, traceParent, agent }),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const undo of restore) undo();
    syncBuiltinESMExports();
    agent.destroy();
  };
}

interface Routing {
  readonly targets: Targets;
  readonly traceParent: () => string | undefined;
  readonly agent: http.Agent;
}

/** The originals, since a routed request must not be routed again. */
const { request: requestHttp } = http;
const { request: requestHttps } = https;

function routeModule(module: typeof http | typeof https, protocol: string, routing: Routing): () => void {
  const { request, get } = module;
  const routedRequest: Send = (...args) => {
    const { options, callback } = parametersOf(args);
    const target = routing.targets.get(originOf(options, protocol));
    if (target === undefined) return Reflect.apply(request, module, args);
    return send(new URL(target), options, callback, routing);
  };
  const routedGet: Send = (...args) => {
    const sent = routedRequest(...args);
    sent.end();
    return sent;
  };
  Object.assign(module, { request: routedRequest, get: routedGet });
  return () => {
    if ((module.request as unknown) === routedRequest) Object.assign(module, { request, get });
  };
}

/** Reads the parameters of `request` in all their forms. */
function parametersOf(args: readonly unknown[]): { options: https.RequestOptions; callback: Callback | undefined } {
  const [first, second] = args;
  const callback = args.find((arg) => typeof arg === "function") as Callback | undefined;
  if (typeof first !== "string" && !(first instanceof URL)) return { options: { ...(first as object) }, callback };
  const url = typeof first === "string" && URL.canParse(first) ? new URL(first) : first;
  const named = url instanceof URL ? urlToHttpOptions(url) : {};
  return { options: { ...named, ...(typeof second === "object" ? second : {}) } as https.RequestOptions, callback };
}

function originOf({ protocol, hostname, host, port, defaultPort }: https.RequestOptions, byDefault: string): string {
  const scheme = protocol ?? byDefault;
  const name = hostname ?? host ?? "localhost";
  const base = `${scheme}//${name.includes(":") ? `[${name}]` : name}:${port || defaultPort || ""}`;
  return URL.canParse(base) ? new URL(base).origin : "";
}

function send(target: URL, options: https.RequestOptions, callback: Callback | undefined, routing: Routing) {
  const { headers, hostname, host, servername: _, createConnection: __, ...rest } = options;
  const isSecure = target.protocol === "https:";
  const routed: https.RequestOptions = {
    ...rest,
    protocol: target.protocol,
    hostname: target.hostname,
    port: target.port,
    agent: isSecure ? https.globalAgent : routing.agent,
    headers: withHost(headers, String(hostname ?? host), routing.traceParent()),
  };
  return isSecure ? requestHttps(routed, callback) : requestHttp(routed, callback);
}

function withHost(headers: https.RequestOptions["headers"] = {}, host: string, traceparent: string | undefined) {
  const trace = traceparent === undefined ? {} : { traceparent };
  if (Array.isArray(headers)) return [...headers, "host", host, ...Object.entries(trace).flat()];
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "host");
  return { ...trace, ...Object.fromEntries(others), host };
}
