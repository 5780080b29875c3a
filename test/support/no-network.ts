import dns from "node:dns";
import { vi } from "vitest";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);
const { lookup } = dns;

/** A test that reaches for another machine fails: names other than this machine's do not resolve. */
function lookupHere(hostname: string, ...rest: unknown[]) {
  if (!LOOPBACK.has(hostname)) throw new Error(`This test tried to reach ${hostname}. Tests stay on this machine.`);
  return Reflect.apply(lookup, dns, [hostname, ...rest]);
}

if (lookup.name !== lookupHere.name) dns.lookup = lookupHere as typeof dns.lookup;

// Files share a process, and their packages with it: each has this repository's modules for itself.
vi.resetModules();
