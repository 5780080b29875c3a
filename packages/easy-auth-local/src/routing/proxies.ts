import http from "node:http";
import https from "node:https";
import { CLOUDS } from "../directory/clouds.ts";

type Environment = Readonly<Record<string, string | undefined>>;

const LOOPBACK = ["localhost", "127.0.0.1", "::1"];
/** Names that are routed to this machine. */
const ROUTED = CLOUDS.flatMap((cloud) => [cloud.authorityOrigin, cloud.graphOrigin]).map(
  (origin) => new URL(origin).host,
);

/** Whether Node itself sends requests through the proxies that the environment names, which Node 24 does when told to. */
export function usesProxies({ NODE_USE_ENV_PROXY, NODE_OPTIONS = "" }: Environment = process.env): boolean {
  return NODE_USE_ENV_PROXY === "1" || [...process.execArgv, NODE_OPTIONS].join(" ").includes("--use-env-proxy");
}

/** Returns the variables that keep requests for this machine, and those that are routed to it, from proxies. */
export function withoutProxy({ NO_PROXY, no_proxy }: Environment, more: readonly string[] = []) {
  const names = (no_proxy ?? NO_PROXY ?? "").split(",").filter((name) => name.trim() !== "");
  const value = names.includes("*") ? "*" : [...new Set([...names, ...LOOPBACK, ...ROUTED, ...more])].join(",");
  return { NO_PROXY: value, no_proxy: value };
}

/** Keeps this process's requests for this machine from proxies. Returns a function that undoes it. */
export function keepFromProxies(): () => void {
  const { NO_PROXY, no_proxy } = process.env;
  const agents = [http.globalAgent, https.globalAgent] as const;
  Object.assign(process.env, withoutProxy(process.env));
  if (usesProxies()) {
    // Node's own agents read the environment when they are made, which was before.
    const options = { keepAlive: true, timeout: 5000, proxyEnv: process.env } as http.AgentOptions;
    http.globalAgent = new http.Agent(options);
    https.globalAgent = new https.Agent(options);
  }
  return () => {
    [http.globalAgent, https.globalAgent] = agents;
    for (const [name, value] of Object.entries({ NO_PROXY, no_proxy })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
