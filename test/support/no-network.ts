import dns from "node:dns";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);
const lookup = dns.lookup;

/** A test that reaches for another machine fails: names other than this machine's do not resolve. */
dns.lookup = ((hostname: string, ...rest: unknown[]) => {
  if (!LOOPBACK.has(hostname)) throw new Error(`This test tried to reach ${hostname}. Tests stay on this machine.`);
  return Reflect.apply(lookup, dns, [hostname, ...rest]);
}) as typeof dns.lookup;
